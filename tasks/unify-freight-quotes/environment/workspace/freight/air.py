"""Air freight."""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from .errors import QuoteError

BANDS = [(Decimal(2), Decimal("24.00")), (Decimal(20), Decimal("7.45")), (Decimal(70), Decimal("5.15")), (None, Decimal("4.35"))]
DISCOUNTS = {"standard": Decimal(0), "plus": Decimal("0.03"), "contract": Decimal("0.08")}
REMOTE = ("IV", "KW", "ZE", "HS", "BT")


def quote_air(parcels, postcode, customer="standard"):
    """Quotes parcels given as (kg, length, width, height in cm) to a postcode."""
    if not parcels:
        raise QuoteError("air: no parcels")
    weight = Decimal(0)
    for number, (kg, length, width, height) in enumerate(parcels, start=1):
        kg = Decimal(str(kg))
        if kg <= 0:
            raise QuoteError(f"air: parcel {number} has no weight")
        if kg >= 70:
            raise QuoteError(f"air: parcel {number} is too heavy ({kg} kg)")
        volume = Decimal(str(length)) * Decimal(str(width)) * Decimal(str(height)) / 6000
        # Every parcel is rounded up to the next half kilogram.
        weight += (max(kg, volume) * 2).quantize(Decimal(1), rounding=ROUND_CEILING) / 2
    if customer not in DISCOUNTS:
        raise QuoteError(f"air: unknown customer class {customer!r}")
    base = None
    for limit, rate in BANDS:
        if limit is None or weight < limit:
            base = rate if limit == 2 else rate * weight
            break
    base = max(base, Decimal("24.00"))
    items = [("base", base.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN))]
    total = base
    if DISCOUNTS[customer]:
        discount = (total * DISCOUNTS[customer]).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
        items.append(("discount", -discount))
        total -= discount
    if postcode.strip().upper().startswith(REMOTE):
        items.append(("remote area", Decimal("31.00")))
        total += Decimal("31.00")
    fuel = (total * Decimal("0.174")).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    items.append(("fuel", fuel))
    total += fuel
    security = (weight * Decimal("0.15")).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    items.append(("security", security))
    total += security
    total = total.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    return {"carrier": "air", "chargeable_kg": weight, "items": items, "total": total}
