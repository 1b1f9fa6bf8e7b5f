#!/bin/bash
# The oracle: brings /app to a correct end state.
set -euo pipefail
cd /app

python3 - <<'EOF'
path = "kvlog/store.py"
with open(path) as file:
    text = file.read()
old = """        if not os.path.exists(self.path) or os.path.getsize(self.path) == 0:
            return
        with open(self.path, "rb") as file:
            for record in scan(file):
                self._apply(record)
"""
new = """        if not os.path.exists(self.path):
            return
        with open(self.path, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            end = len(MAGIC) if size >= len(MAGIC) else 0
            for record in scan(file):
                self._apply(record)
                end = record.end
            if end < size:
                file.truncate(end)
                os.fsync(file.fileno())
"""
assert text.count(old) == 1
with open(path, "w") as file:
    file.write(text.replace(old, new))
EOF

sed -i 's/with open(scratch, "ab") as file:/with open(scratch, "wb") as file:/' kvlog/store.py

sed -i -e 's/^        if not header:$/        if len(header) < HEADER.size:/' -e 's/^    if file.read(len(MAGIC)) != MAGIC:$/    magic = file.read(len(MAGIC))\n    if len(magic) < len(MAGIC) and MAGIC.startswith(magic):\n        return\n    if magic != MAGIC:/' kvlog/codec.py

sed -i -e 's/^    rest = os.path.getsize(path) - end$/    size = os.path.getsize(path)\n    end = end if size >= len(MAGIC) else 0\n    rest = size - end/' -e 's/^    if rest:$/    if rest or not end:/' kvlog/__main__.py

cat > tests/test_recovery.py <<'EOF'
"""What the store does after a crash."""

import os
import tempfile
import unittest

from kvlog import Store


class RecoveryTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "log")
        with Store(self.path) as store:
            store.put(b"a", b"1")
            store.put(b"b", b"2")

    def test_what_is_written_after_a_torn_tail_is_kept(self):
        os.truncate(self.path, os.path.getsize(self.path) - 1)
        with Store(self.path) as store:
            store.put(b"c", b"3")
        with Store(self.path) as store:
            self.assertEqual(store.keys(), [b"a", b"c"])

    def test_a_torn_header_does_not_keep_the_store_from_opening(self):
        os.truncate(self.path, os.path.getsize(self.path) - 9)
        with Store(self.path) as store:
            self.assertEqual(store.keys(), [b"a"])

    def test_a_left_over_compaction_is_of_no_interest(self):
        with open(self.path, "rb") as old, open(self.path + ".compact", "wb") as scratch:
            scratch.write(old.read())
        with Store(self.path) as store:
            store.delete(b"a")
            store.compact()
        with Store(self.path) as store:
            self.assertEqual(store.keys(), [b"b"])


if __name__ == "__main__":
    unittest.main()
EOF

sed -i 's/^# Changes$/&\n\n## 1.3.1\n- A store survives crashes in the middle of a write, of its creation and of a compaction./' docs/CHANGES.md
