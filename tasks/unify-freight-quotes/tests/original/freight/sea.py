"""Sea freight."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from .errors import QuoteError

BANDS = [(Decimal(100), Decimal("85.00")), (Decimal(500), Decimal("0.62")), (Decimal(2000), Decimal("0.41")), (None, Decimal("0.33"))]
DISCOUNTS = {"standard": Decimal(0), "contract": Decimal("0.10")}


def quote_sea(parcels, postcode, customer="standard"):
    """Quotes parcels given as (kg, length, width, height in cm) to a postcode."""
    if not parcels:
        raise QuoteError("sea: no parcels")
    if customer not in DISCOUNTS:
        raise QuoteError(f"sea: unknown customer class {customer!r}")
    weight = Decimal(0)
    volume = Decimal(0)
    for number, (kg, length, width, height) in enumerate(parcels, start=1):
        kg = Decimal(str(kg))
        if kg <= 0:
            raise QuoteError(f"sea: parcel {number} has no weight")
        weight += kg
        volume += Decimal(str(length)) * Decimal(str(width)) * Decimal(str(height)) / 1000
    # A ship takes weight or volume of the whole shipment, whichever is more.
    weight = max(weight, volume).quantize(Decimal(1), rounding=ROUND_CEILING)
    base = None
    for limit, rate in BANDS:
        if limit is None or weight <= limit:
            base = rate if limit == 100 else rate * weight
            break
    items = [("base", base.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))]
    total = base
    items.append(("harbour dues", Decimal("42.00")))
    total += Decimal("42.00")
    fuel = (base * Decimal("0.11")).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    items.append(("fuel", fuel))
    total += fuel
    if DISCOUNTS[customer]:
        discount = (base * DISCOUNTS[customer]).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        items.append(("discount", -discount))
        total -= discount
    # To be paid in full ten pence.
    total = total.quantize(Decimal("0.1"), rounding=ROUND_CEILING).quantize(Decimal("0.01"))
    return {"carrier": "sea", "chargeable_kg": weight, "items": items, "total": total}
