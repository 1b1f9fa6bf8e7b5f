"""The one exception of this package."""


class QuoteError(ValueError):
    """A shipment that cannot be quoted; the text says why."""
