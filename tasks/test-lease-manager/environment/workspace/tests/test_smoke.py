"""One lease on a good day."""

import unittest

from leases import LeaseManager


class SmokeTest(unittest.TestCase):
    def test_a_lease_is_held_until_it_is_released(self):
        now = [1000]
        manager = LeaseManager(clock=lambda: now[0])
        lease = manager.acquire("report", "worker-1")
        now[0] += 10
        self.assertEqual(manager.holder("report"), "worker-1")
        self.assertTrue(manager.release("report", "worker-1", lease.token))
        self.assertIsNone(manager.holder("report"))


if __name__ == "__main__":
    unittest.main()
