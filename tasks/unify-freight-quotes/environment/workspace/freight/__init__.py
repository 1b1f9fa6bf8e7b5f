"""Quotes for road, air and sea freight. All money and weights are `Decimal`."""

from .air import quote_air
from .errors import QuoteError
from .road import quote_road
from .sea import quote_sea

__all__ = ["QuoteError", "quote_air", "quote_road", "quote_sea"]
