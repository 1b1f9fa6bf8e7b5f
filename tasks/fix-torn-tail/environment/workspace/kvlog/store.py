"""The store: an index of the live keys in memory, and the log it was read from."""

import os

from .codec import DELETE, MAGIC, PUT, encode, scan


class Store:
    """A dictionary of byte strings that is kept in a file.

    `sync=True` waits for the disk after every write. A store must have one writer at a time.
    """

    def __init__(self, path, sync=False):
        self.path = os.fspath(path)
        self._sync = sync
        self._index = {}
        self._load()
        self._file = self._open_for_append()

    def _load(self):
        """Fills the index from the file."""
        if not os.path.exists(self.path) or os.path.getsize(self.path) == 0:
            return
        with open(self.path, "rb") as file:
            for record in scan(file):
                self._apply(record)

    def _open_for_append(self):
        """Opens the file so that what is written goes to its end."""
        file = open(self.path, "ab")
        if file.tell() == 0:
            file.write(MAGIC)
            file.flush()
        return file

    def _apply(self, record):
        if record.kind == PUT:
            self._index[record.key] = record.value
        else:
            self._index.pop(record.key, None)

    def _append(self, data):
        self._file.write(data)
        self._file.flush()
        if self._sync:
            os.fsync(self._file.fileno())

    def get(self, key, default=None):
        """Returns the value of a key."""
        return self._index.get(key, default)

    def put(self, key, value):
        """Sets the value of a key."""
        self._append(encode(PUT, key, value))
        self._index[key] = value

    def delete(self, key):
        """Removes a key; says whether it was there."""
        if key not in self._index:
            return False
        self._append(encode(DELETE, key))
        del self._index[key]
        return True

    def keys(self):
        """Returns the live keys in order."""
        return sorted(self._index)

    def __len__(self):
        return len(self._index)

    def compact(self):
        """Rewrites the file so that it holds nothing but the live keys."""
        scratch = self.path + ".compact"
        with open(scratch, "ab") as file:
            if file.tell() == 0:
                file.write(MAGIC)
            for key in self.keys():
                file.write(encode(PUT, key, self._index[key]))
            file.flush()
            os.fsync(file.fileno())
        self._file.close()
        os.replace(scratch, self.path)
        self._file = self._open_for_append()

    def close(self):
        """Closes the file; the store cannot be used any more."""
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
