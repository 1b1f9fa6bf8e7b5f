"""Leases: the right to a name for a while. See docs/leases.md."""

from .errors import LeaseError, LeaseHeld, NotHeld, TooManyLeases
from .manager import Lease, LeaseManager

__all__ = ["Lease", "LeaseError", "LeaseHeld", "LeaseManager", "NotHeld", "TooManyLeases"]
