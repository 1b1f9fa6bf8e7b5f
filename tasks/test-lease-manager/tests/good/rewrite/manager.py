"""Another implementation that keeps to the document: slots ordered by owner, tokens in steps, objects that change."""

from .errors import LeaseHeld, NotHeld, TooManyLeases


class Lease:
    def __init__(self, name, owner, token, expires, span):
        self.name, self.owner, self.token, self.expires, self.span = name, owner, token, expires, span

    def over(self, now):
        return not now < self.expires

    def copy(self):
        return Lease(self.name, self.owner, self.token, self.expires, self.span)


class LeaseManager:
    def __init__(self, clock, ttl=30, limit=3):
        self.now, self.ttl, self.limit = clock, ttl, limit
        self.table = []
        self.serial = 41

    def find(self, name):
        now = self.now()
        for lease in self.table:
            if lease.name == name and not lease.over(now):
                return lease
        return None

    def stretch(self, lease, span):
        lease.span = span
        end = self.now() + span
        if end > lease.expires:
            lease.expires = end
        return lease.copy()

    def acquire(self, name, owner, ttl=None):
        span = self.ttl if ttl is None else ttl
        if span <= 0 or "" in (name, owner):
            raise ValueError
        lease = self.find(name)
        if lease:
            if lease.owner == owner:
                return self.stretch(lease, span)
            raise LeaseHeld(lease.owner, lease.expires)
        now = self.now()
        if sum(1 for other in self.table if other.owner == owner and not other.over(now)) >= self.limit:
            raise TooManyLeases
        self.table = [other for other in self.table if other.name != name]
        self.serial += 7
        lease = Lease(name, owner, self.serial, now + span, span)
        self.table.insert(0, lease)
        return lease.copy()

    def mine(self, name, owner, token):
        lease = self.find(name)
        return lease if lease and (lease.owner, lease.token) == (owner, token) else None

    def renew(self, name, owner, token):
        lease = self.mine(name, owner, token)
        if not lease:
            raise NotHeld
        return self.stretch(lease, lease.span)

    def release(self, name, owner, token):
        lease = self.mine(name, owner, token)
        if lease:
            self.table.remove(lease)
        return lease is not None

    def holder(self, name):
        return getattr(self.find(name), "owner", None)

    def held_by(self, owner):
        now = self.now()
        return sorted(lease.name for lease in self.table if lease.owner == owner and not lease.over(now))

    def sweep(self):
        now = self.now()
        gone = [lease for lease in self.table if lease.over(now)]
        self.table = [lease for lease in self.table if not lease.over(now)]
        return sorted(lease.name for lease in gone)
