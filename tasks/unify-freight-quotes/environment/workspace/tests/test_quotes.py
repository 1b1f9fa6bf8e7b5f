"""One ordinary shipment per carrier, and the errors everybody knows."""

import unittest
from decimal import Decimal

from freight import QuoteError, quote_air, quote_road, quote_sea

PARCELS = [(12, 60, 40, 40), ("3.4", 30, 20, 10)]


class QuoteTest(unittest.TestCase):
    def test_road(self):
        quote = quote_road(PARCELS, "LS1 4AP", "plus")
        self.assertEqual(quote["chargeable_kg"], Decimal("27.4"))
        self.assertEqual([name for name, _ in quote["items"]], ["base", "fuel", "discount"])
        self.assertEqual(quote["total"], Decimal("27.11"))

    def test_air(self):
        quote = quote_air(PARCELS, "ZE1 0AA")
        self.assertEqual(quote["chargeable_kg"], Decimal("19.5"))
        self.assertEqual(quote["total"], Decimal("209.86"))

    def test_sea(self):
        quote = quote_sea(PARCELS, "LS1 4AP", "contract")
        self.assertEqual(quote["chargeable_kg"], Decimal("102"))
        self.assertEqual(quote["total"], Decimal("105.90"))

    def test_errors(self):
        for quote in (quote_road, quote_air, quote_sea):
            with self.assertRaises(QuoteError):
                quote([], "LS1 4AP")
            with self.assertRaises(QuoteError):
                quote([(0, 1, 1, 1)], "LS1 4AP")
            with self.assertRaises(QuoteError):
                quote(PARCELS, "LS1 4AP", "vip")


if __name__ == "__main__":
    unittest.main()
