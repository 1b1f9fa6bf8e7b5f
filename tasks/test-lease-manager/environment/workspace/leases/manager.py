"""The lease manager."""

from typing import NamedTuple

from .errors import LeaseHeld, NotHeld, TooManyLeases


class Lease(NamedTuple):
    """The right of `owner` to `name` until `expires`."""

    name: str
    owner: str
    token: int
    expires: float


class LeaseManager:
    """Grants leases; docs/leases.md says how."""

    def __init__(self, clock, ttl=30, limit=3):
        self._clock = clock
        self._ttl = ttl
        self._limit = limit
        self._last_token = 0
        self._leases = {}
        self._ttls = {}

    def _live(self, name):
        """Returns the live lease of a name, or None."""
        lease = self._leases.get(name)
        if lease is None or self._clock() >= lease.expires:
            return None
        return lease

    def _matching(self, name, owner, token):
        """Returns the live lease of a name if owner and token are right, or None."""
        lease = self._live(name)
        if lease is None or lease.owner != owner or lease.token != token:
            return None
        return lease

    def _extend(self, lease, ttl):
        self._ttls[lease.name] = ttl
        lease = lease._replace(expires=max(lease.expires, self._clock() + ttl))
        self._leases[lease.name] = lease
        return lease

    def acquire(self, name, owner, ttl=None):
        if not name or not owner:
            raise ValueError("a lease needs a name and an owner")
        if ttl is None:
            ttl = self._ttl
        if ttl <= 0:
            raise ValueError("a lease must last longer than nothing")
        held = self._live(name)
        if held is not None and held.owner != owner:
            raise LeaseHeld(name, held.owner, held.expires)
        if held is not None:
            return self._extend(held, ttl)
        if len(self.held_by(owner)) >= self._limit:
            raise TooManyLeases(f"{owner} has {self._limit} leases")
        self._last_token += 1
        lease = Lease(name, owner, self._last_token, self._clock() + ttl)
        self._leases[name] = lease
        self._ttls[name] = ttl
        return lease

    def renew(self, name, owner, token):
        lease = self._matching(name, owner, token)
        if lease is None:
            raise NotHeld(f"{owner} does not hold {name} with token {token}")
        return self._extend(lease, self._ttls[name])

    def release(self, name, owner, token):
        if self._matching(name, owner, token) is None:
            return False
        del self._leases[name]
        return True

    def holder(self, name):
        lease = self._live(name)
        return None if lease is None else lease.owner

    def held_by(self, owner):
        return sorted(name for name, lease in self._leases.items() if lease.owner == owner and self._live(name))

    def sweep(self):
        over = sorted(name for name in self._leases if self._live(name) is None)
        for name in over:
            del self._leases[name]
        return over
