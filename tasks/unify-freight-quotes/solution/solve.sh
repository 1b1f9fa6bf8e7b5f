#!/bin/bash
# The oracle: brings /app to a correct end state.
set -euo pipefail
cd /app

cat > freight/engine.py <<'EOF'
"""The calculation, which is the same for every carrier."""

import operator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Callable

from .errors import QuoteError

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Carrier:
    """What is special about a carrier. The first band is a flat price, the others are per kilogram."""

    name: str
    bands: list
    discounts: dict
    divisor: int
    chargeable: Callable
    charges: list
    minimum: Decimal = Decimal(0)
    in_band: Callable = operator.le
    is_too_heavy: Callable = lambda kg: False
    too_heavy: str = ""
    customer_first: bool = True
    rounding: str = ROUND_HALF_UP
    round_total: Callable = lambda bill: bill.cents(bill.total)


@dataclass
class Bill:
    """A quote that is being made."""

    carrier: Carrier
    postcode: str
    customer: str
    weight: Decimal
    base: Decimal
    total: Decimal
    items: list = field(default_factory=list)

    def cents(self, amount):
        return amount.quantize(CENT, rounding=self.carrier.rounding)

    def add(self, name, amount):
        self.items.append((name, amount))
        self.total += amount


def fee(name, amount):
    return lambda bill: bill.add(name, amount)


def remote_area(prefixes, amount):
    def charge(bill):
        if bill.postcode.strip().upper().startswith(prefixes):
            bill.add("remote area", amount)

    return charge


def share(name, rate, of):
    """A charge that is a share of the bill's `base`, `total` or `weight`."""
    return lambda bill: bill.add(name, bill.cents(getattr(bill, of) * rate))


def discount(of):
    def charge(bill):
        rate = bill.carrier.discounts[bill.customer]
        if rate:
            bill.add("discount", -bill.cents(getattr(bill, of) * rate))

    return charge


def measure(carrier, parcels):
    """Returns the weight and volume weight of every parcel."""
    measured = []
    for number, (kg, length, width, height) in enumerate(parcels, start=1):
        kg = Decimal(str(kg))
        if kg <= 0:
            raise QuoteError(f"{carrier.name}: parcel {number} has no weight")
        if carrier.is_too_heavy(kg):
            raise QuoteError(f"{carrier.name}: parcel {number} {carrier.too_heavy.format(kg=kg)}")
        volume = Decimal(str(length)) * Decimal(str(width)) * Decimal(str(height)) / carrier.divisor
        measured.append((kg, volume))
    return measured


def base_price(carrier, weight):
    for number, (limit, rate) in enumerate(carrier.bands):
        if limit is None or carrier.in_band(weight, limit):
            return max(rate * weight if number else rate, carrier.minimum)


def check_customer(carrier, customer):
    if customer not in carrier.discounts:
        raise QuoteError(f"{carrier.name}: unknown customer class {customer!r}")


def quote(carrier, parcels, postcode, customer):
    if not parcels:
        raise QuoteError(f"{carrier.name}: no parcels")
    if carrier.customer_first:
        check_customer(carrier, customer)
    weight = carrier.chargeable(measure(carrier, parcels))
    check_customer(carrier, customer)
    base = base_price(carrier, weight)
    bill = Bill(carrier, postcode, customer, weight, base, base)
    bill.items.append(("base", bill.cents(base)))
    for charge in carrier.charges:
        charge(bill)
    return {"carrier": carrier.name, "chargeable_kg": weight, "items": bill.items, "total": carrier.round_total(bill)}
EOF

cat > freight/weights.py <<'EOF'
"""Ways to find the chargeable weight of parcels given as (kilograms, volume weight)."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal


def larger_of_each_to_tenth(measured):
    return sum(map(max, measured), Decimal(0)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


def larger_of_each_up_to_half(measured):
    return sum(((max(pair) * 2).quantize(Decimal(1), rounding=ROUND_CEILING) / 2 for pair in measured), Decimal(0))


def larger_sum_up_to_one(measured):
    return max(map(sum, zip(*measured))).quantize(Decimal(1), rounding=ROUND_CEILING)
EOF

cat > freight/road.py <<'EOF'
"""Road freight."""

from decimal import Decimal

from .engine import Carrier, discount, quote, remote_area, share
from .weights import larger_of_each_to_tenth

ROAD = Carrier(
    name="road",
    bands=[(Decimal(5), Decimal("9.80")), (Decimal(30), Decimal("0.96")), (Decimal(100), Decimal("0.71")), (None, Decimal("0.54"))],
    discounts={"standard": Decimal(0), "plus": Decimal("0.05"), "contract": Decimal("0.125")},
    divisor=4000,
    chargeable=larger_of_each_to_tenth,
    charges=[remote_area(("IV", "KW", "ZE"), Decimal("14.50")), share("fuel", Decimal("0.085"), of="total"), discount(of="total")],
    minimum=Decimal("9.80"),
    is_too_heavy=lambda kg: kg > 1000,
    too_heavy="is heavier than 1000 kg",
)


def quote_road(parcels, postcode, customer="standard"):
    """Quotes parcels given as (kg, length, width, height in cm) to a postcode."""
    return quote(ROAD, parcels, postcode, customer)
EOF

cat > freight/air.py <<'EOF'
"""Air freight."""

import operator
from decimal import ROUND_HALF_EVEN, Decimal

from .engine import Carrier, discount, quote, remote_area, share
from .weights import larger_of_each_up_to_half

AIR = Carrier(
    name="air",
    bands=[(Decimal(2), Decimal("24.00")), (Decimal(20), Decimal("7.45")), (Decimal(70), Decimal("5.15")), (None, Decimal("4.35"))],
    discounts={"standard": Decimal(0), "plus": Decimal("0.03"), "contract": Decimal("0.08")},
    divisor=6000,
    chargeable=larger_of_each_up_to_half,
    charges=[
        discount(of="total"),
        remote_area(("IV", "KW", "ZE", "HS", "BT"), Decimal("31.00")),
        share("fuel", Decimal("0.174"), of="total"),
        share("security", Decimal("0.15"), of="weight"),
    ],
    minimum=Decimal("24.00"),
    in_band=operator.lt,
    is_too_heavy=lambda kg: kg >= 70,
    too_heavy="is too heavy ({kg} kg)",
    customer_first=False,
    rounding=ROUND_HALF_EVEN,
)


def quote_air(parcels, postcode, customer="standard"):
    """Quotes parcels given as (kg, length, width, height in cm) to a postcode."""
    return quote(AIR, parcels, postcode, customer)
EOF

tee freight/sea.py >/dev/null <<'EOF'
"""Sea freight."""

from decimal import ROUND_CEILING, Decimal

from .engine import CENT, Carrier, discount, fee, quote, share
from .weights import larger_sum_up_to_one

SEA = Carrier(
    name="sea",
    bands=[(Decimal(100), Decimal("85.00")), (Decimal(500), Decimal("0.62")), (Decimal(2000), Decimal("0.41")), (None, Decimal("0.33"))],
    discounts={"standard": Decimal(0), "contract": Decimal("0.10")},
    divisor=1000,
    chargeable=larger_sum_up_to_one,
    charges=[fee("harbour dues", Decimal("42.00")), share("fuel", Decimal("0.11"), of="base"), discount(of="base")],
    # To be paid in full ten pence.
    round_total=lambda bill: bill.total.quantize(Decimal("0.1"), rounding=ROUND_CEILING).quantize(CENT),
)


def quote_sea(parcels, postcode, customer="standard"):
    """Quotes parcels given as (kg, length, width, height in cm) to a postcode."""
    return quote(SEA, parcels, postcode, customer)
EOF

cat > freight/__main__.py <<'EOF'
"""Command line: python3 -m freight CARRIER POSTCODE CUSTOMER KGxLENGTHxWIDTHxHEIGHT…"""

import sys

from . import QuoteError, quote_air, quote_road, quote_sea

QUOTES = {"road": quote_road, "air": quote_air, "sea": quote_sea}


def show(quote):
    print(f"{quote['carrier']}, {quote['chargeable_kg']} kg chargeable")
    for name, amount in [*quote["items"], ("total", quote["total"])]:
        print(f"  {name:<14}{amount:>10}")


def main(arguments):
    if len(arguments) < 4:
        print(__doc__.replace("Command line", "usage"), file=sys.stderr)
        return 64
    carrier, postcode, customer, *texts = arguments
    parcels = [tuple(text.split("x")) for text in texts]
    try:
        if carrier not in QUOTES:
            raise QuoteError(f"unknown carrier {carrier!r}")
        quote = QUOTES[carrier](parcels, postcode, customer)
    except QuoteError as error:
        print(f"freight: {error}", file=sys.stderr)
        return 1
    show(quote)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
EOF
