"""The command line, run as users run it."""

import subprocess
import sys
import unittest


def tally(*arguments, stdin=""):
    return subprocess.run(
        [sys.executable, "-B", "-m", "tally", *arguments], input=stdin, capture_output=True, text=True, encoding="utf-8"
    )


class CommandLineTest(unittest.TestCase):
    def test_check_is_silent_about_a_good_log(self):
        done = tally("check", "examples/march.log")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_check_names_the_bad_lines(self):
        done = tally("check", "-", stdin="\nnonsense\n")
        self.assertEqual((done.returncode, done.stderr), (1, "-:2: a line needs a day, a span and a project\n"))

    def test_list_is_in_order_of_start(self):
        done = tally("list", "-", stdin="2024-03-02 08:00-09:00 b\n2024-03-01 08:00-08:30 a  note\n")
        self.assertEqual(done.stdout, "2024-03-01 08:00    30 a note\n2024-03-02 08:00    60 b\n")


if __name__ == "__main__":
    unittest.main()
