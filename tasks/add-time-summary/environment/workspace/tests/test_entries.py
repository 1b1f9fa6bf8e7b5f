"""Reading of entries."""

import unittest
from datetime import datetime

from tally.entries import BadLine, parse, parse_line


class ParseTest(unittest.TestCase):
    def test_an_entry_has_a_span_a_project_and_a_note(self):
        entry = parse_line("2024-03-01 09:15-10:45 acme/website  Fix the footer")
        self.assertEqual(entry.start, datetime(2024, 3, 1, 9, 15))
        self.assertEqual((entry.minutes, entry.project, entry.note), (90, "acme/website", "Fix the footer"))

    def test_an_early_end_is_on_the_next_day(self):
        self.assertEqual(parse_line("2024-02-29 22:30-01:15 ops").end, datetime(2024, 3, 1, 1, 15))
        self.assertEqual(parse_line("2024-02-29 22:30-24:00 ops").end, datetime(2024, 3, 1))

    def test_bad_lines_are_told_with_their_numbers(self):
        entries, bad = parse("# x\n2024-03-01 09:00-09:00 a\n2024-13-01 09:00-10:00 a\n2024-03-01 09:00-10:00 a\n")
        self.assertEqual(len(entries), 1)
        self.assertEqual(bad, [(2, "`09:00-09:00` has no length"), (3, "`2024-13-01` is not a day")])

    def test_a_project_does_not_end_with_a_slash(self):
        with self.assertRaises(BadLine):
            parse_line("2024-03-01 09:00-10:00 acme/")


if __name__ == "__main__":
    unittest.main()
