class LeaseError(RuntimeError):
    pass


class LeaseHeld(LeaseError):
    def __init__(self, owner, until):
        super().__init__("taken")
        self.owner, self.until = owner, until


class TooManyLeases(LeaseError):
    pass


class NotHeld(LeaseError):
    pass
