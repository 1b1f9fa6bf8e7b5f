"""What can be wrong with a request."""


class LeaseError(Exception):
    """A request that cannot be granted."""


class LeaseHeld(LeaseError):
    """Another owner has the lease."""

    def __init__(self, name, owner, until):
        super().__init__(f"{name} is held by {owner} until {until}")
        self.owner = owner
        self.until = until


class TooManyLeases(LeaseError):
    """The owner has as many leases as it may have."""


class NotHeld(LeaseError):
    """The lease to be renewed is not held, or not like that."""
