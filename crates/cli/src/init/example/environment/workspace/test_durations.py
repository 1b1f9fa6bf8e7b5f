"""Durations are read."""

import unittest

from durations import parse


class ParseTest(unittest.TestCase):
    def test_units_are_added(self):
        self.assertEqual(parse("1h30m"), 5400)
        self.assertEqual(parse("45s"), 45)


if __name__ == "__main__":
    unittest.main()
