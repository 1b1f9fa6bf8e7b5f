"""What the store does on a good day."""

import os
import tempfile
import unittest

from kvlog import CorruptLog, Store
from kvlog.codec import MAGIC, PUT, encode


class StoreTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "log")

    def read(self):
        with open(self.path, "rb") as file:
            return file.read()

    def test_values_survive_reopening(self):
        with Store(self.path) as store:
            store.put(b"a", b"1")
            store.put(b"b", b"2")
            store.put(b"a", b"3")
        with Store(self.path) as store:
            self.assertEqual(store.keys(), [b"a", b"b"])
            self.assertEqual(store.get(b"a"), b"3")

    def test_deleted_keys_stay_deleted(self):
        with Store(self.path) as store:
            store.put(b"a", b"1")
            self.assertTrue(store.delete(b"a"))
            self.assertFalse(store.delete(b"a"))
        with Store(self.path) as store:
            self.assertEqual(len(store), 0)

    def test_compaction_keeps_the_live_keys(self):
        with Store(self.path) as store:
            store.put(b"b", b"1")
            store.put(b"a", b"1")
            store.put(b"a", b"2")
            store.delete(b"b")
            store.compact()
            store.put(b"c", b"3")
        expected = MAGIC + encode(PUT, b"a", b"2") + encode(PUT, b"c", b"3")
        self.assertEqual(self.read(), expected)

    def test_a_torn_value_does_not_keep_the_store_from_opening(self):
        with Store(self.path) as store:
            store.put(b"a", b"1")
            store.put(b"b", b"2" * 100)
        os.truncate(self.path, os.path.getsize(self.path) - 10)
        with Store(self.path) as store:
            self.assertEqual(store.keys(), [b"a"])

    def test_a_foreign_file_is_refused(self):
        with open(self.path, "wb") as file:
            file.write(b"hello, world")
        with self.assertRaises(CorruptLog):
            Store(self.path)


if __name__ == "__main__":
    unittest.main()
