"""Command line: python3 -m freight CARRIER POSTCODE CUSTOMER KGxLENGTHxWIDTHxHEIGHT…"""

import sys

from . import QuoteError, quote_air, quote_road, quote_sea


def main(arguments):
    if len(arguments) < 4:
        print(__doc__.replace("Command line", "usage"), file=sys.stderr)
        return 64
    carrier, postcode, customer, *texts = arguments
    parcels = [tuple(text.split("x")) for text in texts]
    try:
        if carrier == "road":
            quote = quote_road(parcels, postcode, customer)
        elif carrier == "air":
            quote = quote_air(parcels, postcode, customer)
        elif carrier == "sea":
            quote = quote_sea(parcels, postcode, customer)
        else:
            raise QuoteError(f"unknown carrier {carrier!r}")
    except QuoteError as error:
        print(f"freight: {error}", file=sys.stderr)
        return 1
    print(f"{quote['carrier']}, {quote['chargeable_kg']} kg chargeable")
    for name, amount in quote["items"]:
        print(f"  {name:<14}{amount:>10}")
    print(f"  {'total':<14}{quote['total']:>10}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
