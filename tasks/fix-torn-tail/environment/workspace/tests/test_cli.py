"""The command line."""

import contextlib
import io
import os
import tempfile
import unittest

from kvlog.__main__ import main


class CommandLineTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "log")

    def run_main(self, *arguments):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = main(list(arguments))
        return status, out.getvalue()

    def test_put_get_list(self):
        self.assertEqual(self.run_main("put", self.path, "k", "v"), (0, ""))
        self.assertEqual(self.run_main("get", self.path, "k"), (0, "v\n"))
        self.assertEqual(self.run_main("get", self.path, "x"), (1, ""))
        self.assertEqual(self.run_main("list", self.path), (0, "k\n"))

    def test_check_tells_a_good_file_from_a_torn_one(self):
        self.run_main("put", self.path, "k", "v" * 30)
        self.run_main("put", self.path, "l", "v" * 30)
        self.assertEqual(self.run_main("check", self.path), (0, "ok: 2 records\n"))
        os.truncate(self.path, os.path.getsize(self.path) - 1)
        self.assertEqual(self.run_main("check", self.path), (1, "torn: 1 records, 41 bytes after them\n"))


if __name__ == "__main__":
    unittest.main()
