"""Road freight."""

from decimal import ROUND_HALF_UP, Decimal

from .errors import QuoteError

BANDS = [(Decimal(5), Decimal("9.80")), (Decimal(30), Decimal("0.96")), (Decimal(100), Decimal("0.71")), (None, Decimal("0.54"))]
DISCOUNTS = {"standard": Decimal(0), "plus": Decimal("0.05"), "contract": Decimal("0.125")}
REMOTE = ("IV", "KW", "ZE")


def quote_road(parcels, postcode, customer="standard"):
    """Quotes parcels given as (kg, length, width, height in cm) to a postcode."""
    if not parcels:
        raise QuoteError("road: no parcels")
    if customer not in DISCOUNTS:
        raise QuoteError(f"road: unknown customer class {customer!r}")
    weight = Decimal(0)
    for number, (kg, length, width, height) in enumerate(parcels, start=1):
        kg = Decimal(str(kg))
        if kg <= 0:
            raise QuoteError(f"road: parcel {number} has no weight")
        if kg > 1000:
            raise QuoteError(f"road: parcel {number} is heavier than 1000 kg")
        volume = Decimal(str(length)) * Decimal(str(width)) * Decimal(str(height)) / 4000
        weight += max(kg, volume)
    weight = weight.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    base = None
    for limit, rate in BANDS:
        if limit is None or weight <= limit:
            # The first band is a flat price, the others are per kilogram.
            base = rate if limit == 5 else rate * weight
            break
    base = max(base, Decimal("9.80"))
    items = [("base", base.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))]
    total = base
    if postcode.strip().upper().startswith(REMOTE):
        items.append(("remote area", Decimal("14.50")))
        total += Decimal("14.50")
    fuel = (total * Decimal("0.085")).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    items.append(("fuel", fuel))
    total += fuel
    if DISCOUNTS[customer]:
        discount = (total * DISCOUNTS[customer]).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        items.append(("discount", -discount))
        total -= discount
    total = total.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    return {"carrier": "road", "chargeable_kg": weight, "items": items, "total": total}
