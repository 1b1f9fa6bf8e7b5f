"""An append-only key-value store in one file. See docs/format.md."""

from .codec import CorruptLog
from .store import Store

__all__ = ["CorruptLog", "Store"]
