"""Cleaning of single values."""

import unittest

from migrate.clean import whole_number


class CleanTest(unittest.TestCase):
    def test_whole_numbers(self):
        self.assertEqual(whole_number(" 007 "), 7)
        self.assertIsNone(whole_number("7a"))
        self.assertIsNone(whole_number(""))


if __name__ == "__main__":
    unittest.main()
