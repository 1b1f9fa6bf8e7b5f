#!/bin/bash
# The oracle: brings /app to a correct end state.
set -euo pipefail
cd /app

cat > tests/test_expiry.py <<'EOF'
"""When leases end, and how they are extended."""

import unittest

from leases import LeaseManager, NotHeld


class ExpiryTest(unittest.TestCase):
    def setUp(self):
        self.now = 1000
        self.manager = LeaseManager(clock=lambda: self.now, ttl=20)

    def test_a_lease_is_live_until_just_before_its_end(self):
        self.assertEqual(self.manager.acquire("a", "me").expires, 1020)
        self.now = 1019.5
        self.assertEqual(self.manager.holder("a"), "me")
        self.now = 1020
        self.assertIsNone(self.manager.holder("a"))
        self.assertEqual(self.manager.acquire("a", "you").owner, "you")

    def test_a_call_can_give_its_own_ttl(self):
        self.assertEqual(self.manager.acquire("a", "me", ttl=5).expires, 1005)

    def test_bad_arguments_are_refused(self):
        self.manager.acquire("b", "you")
        for name, owner, ttl in (("a", "me", 0), ("a", "me", -1), ("", "me", 5), ("a", "", 5), ("b", "me", 0)):
            with self.subTest(name=name, owner=owner, ttl=ttl), self.assertRaises(ValueError):
                self.manager.acquire(name, owner, ttl)

    def test_renewing_counts_from_now_with_the_last_ttl(self):
        lease = self.manager.acquire("a", "me", ttl=50)
        self.now = 1010
        self.assertEqual(self.manager.renew("a", "me", lease.token).expires, 1060)
        self.manager.acquire("a", "me", ttl=80)
        self.now = 1020
        self.assertEqual(self.manager.renew("a", "me", lease.token).expires, 1100)

    def test_an_end_is_never_moved_back(self):
        lease = self.manager.acquire("a", "me")
        self.now = 990
        self.assertEqual(self.manager.renew("a", "me", lease.token).expires, 1020)
        self.assertEqual(self.manager.acquire("a", "me", ttl=1).expires, 1020)

    def test_what_is_over_cannot_be_renewed_or_released(self):
        lease = self.manager.acquire("a", "me")
        self.now = 1020
        with self.assertRaises(NotHeld):
            self.manager.renew("a", "me", lease.token)
        self.assertIs(self.manager.release("a", "me", lease.token), False)


if __name__ == "__main__":
    unittest.main()
EOF

cat > tests/test_tokens.py <<'EOF'
"""Who may do what with a lease."""

import unittest

from leases import LeaseHeld, LeaseManager, NotHeld


class TokenTest(unittest.TestCase):
    def setUp(self):
        self.now = 0
        self.manager = LeaseManager(clock=lambda: self.now, ttl=10)

    def test_tokens_rise_over_all_names_and_fates(self):
        tokens = []
        for name in ("a", "b", "a", "c", "a"):
            lease = self.manager.acquire(name, "me")
            tokens.append(lease.token)
            if name == "a":
                self.assertIs(self.manager.release("a", "me", lease.token), True)
        self.now = 100
        tokens.append(self.manager.acquire("b", "you").token)
        self.manager.sweep()
        tokens.append(self.manager.acquire("a", "you").token)
        self.assertEqual(tokens, sorted(set(tokens)))

    def test_acquiring_again_keeps_the_token(self):
        first = self.manager.acquire("a", "me")
        self.now = 5
        again = self.manager.acquire("a", "me")
        self.assertEqual((again.token, again.expires), (first.token, 15))
        self.assertEqual((again.name, again.owner), ("a", "me"))

    def test_another_owner_is_refused_and_told(self):
        self.manager.acquire("a", "me")
        self.now = 3
        with self.assertRaises(LeaseHeld) as caught:
            self.manager.acquire("a", "you")
        self.assertEqual((caught.exception.owner, caught.exception.until), ("me", 10))
        self.assertEqual(self.manager.holder("a"), "me")

    def test_owner_and_token_must_both_be_right(self):
        token = self.manager.acquire("a", "me").token
        for owner, guess in (("you", token), ("me", token + 1), ("me", token - 1)):
            with self.assertRaises(NotHeld):
                self.manager.renew("a", owner, guess)
            self.assertIs(self.manager.release("a", owner, guess), False)
        self.assertEqual(self.manager.holder("a"), "me")

    def test_a_name_without_a_lease_cannot_be_renewed_or_released(self):
        with self.assertRaises(NotHeld):
            self.manager.renew("a", "me", 1)
        self.assertIs(self.manager.release("a", "me", 1), False)


if __name__ == "__main__":
    unittest.main()
EOF

tee tests/test_limit.py >/dev/null <<'EOF'
"""How many leases an owner may have."""

import unittest

from leases import LeaseError, LeaseManager, TooManyLeases


class LimitTest(unittest.TestCase):
    def setUp(self):
        self.now = 0
        self.manager = LeaseManager(clock=lambda: self.now, ttl=10, limit=2)
        self.manager.acquire("a", "me")
        self.manager.acquire("b", "me", ttl=99)

    def test_the_limit_is_kept_for_each_owner(self):
        with self.assertRaises(TooManyLeases) as caught:
            self.manager.acquire("c", "me")
        self.assertIsInstance(caught.exception, LeaseError)
        self.assertIsNone(self.manager.holder("c"))
        self.assertEqual(self.manager.acquire("c", "you").owner, "you")

    def test_acquiring_again_does_not_count(self):
        self.assertEqual(self.manager.acquire("a", "me", ttl=50).expires, 50)

    def test_what_is_over_does_not_count(self):
        self.now = 10
        self.assertEqual(self.manager.acquire("c", "me").owner, "me")

    def test_the_usual_limit_is_three(self):
        manager = LeaseManager(clock=lambda: 0)
        for name in ("a", "b", "c"):
            self.assertEqual(manager.acquire(name, "me").expires, 30)
        with self.assertRaises(TooManyLeases):
            manager.acquire("d", "me")


if __name__ == "__main__":
    unittest.main()
EOF

cat > tests/test_queries.py <<'EOF'
"""What a manager tells of its leases."""

import unittest

from leases import LeaseManager


class QueryTest(unittest.TestCase):
    def setUp(self):
        self.now = 0
        self.manager = LeaseManager(clock=lambda: self.now, ttl=10)
        for name, owner, ttl in (("c", "me", 10), ("a", "me", 20), ("b", "me", 20), ("d", "you", 10)):
            self.manager.acquire(name, owner, ttl)

    def test_names_of_an_owner_are_sorted_and_live(self):
        self.assertEqual(self.manager.held_by("me"), ["a", "b", "c"])
        self.now = 10
        self.assertEqual(self.manager.held_by("me"), ["a", "b"])
        self.assertEqual(self.manager.held_by("nobody"), [])

    def test_a_sweep_returns_what_is_over_once(self):
        self.assertEqual(self.manager.sweep(), [])
        self.now = 10
        self.assertEqual(self.manager.sweep(), ["c", "d"])
        self.assertEqual(self.manager.sweep(), [])
        self.assertEqual(self.manager.holder("a"), "me")
        self.now = 20
        self.assertEqual(self.manager.sweep(), ["a", "b"])

    def test_a_sweep_is_sorted(self):
        self.now = 20
        self.assertEqual(self.manager.sweep(), ["a", "b", "c", "d"])

    def test_a_sweep_leaves_out_what_was_released_or_acquired_anew(self):
        self.manager.release("d", "you", self.manager.acquire("d", "you").token)
        self.now = 10
        self.manager.acquire("c", "you")
        self.assertEqual(self.manager.sweep(), [])


if __name__ == "__main__":
    unittest.main()
EOF
