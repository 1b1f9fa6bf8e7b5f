"""Records and how they are laid out in the file. Knows nothing of keys that are live or dead."""

import struct
import zlib
from typing import NamedTuple

MAGIC = b"KVL1"
PUT = 1
DELETE = 2

HEADER = struct.Struct(">IBHI")
_CHECKED = struct.Struct(">BHI")
MAX_KEY = 0xFFFF
MAX_VALUE = 0xFFFFFFFF


class CorruptLog(Exception):
    """The file is not a log, or a whole record in it is damaged."""

    def __init__(self, reason, offset):
        super().__init__(f"{reason} at offset {offset}")
        self.reason = reason
        self.offset = offset


class Record(NamedTuple):
    """One record as read: what it does, and the offset just behind it."""

    kind: int
    key: bytes
    value: bytes
    end: int


def encode(kind, key, value=b""):
    """Returns the bytes of one record."""
    if not 0 < len(key) <= MAX_KEY:
        raise ValueError(f"a key has 1 to {MAX_KEY} bytes, not {len(key)}")
    if len(value) > MAX_VALUE:
        raise ValueError(f"a value has at most {MAX_VALUE} bytes")
    checked = _CHECKED.pack(kind, len(key), len(value)) + key + value
    return struct.pack(">I", zlib.crc32(checked)) + checked


def scan(file):
    """Yields the records of a log opened for reading in binary mode, from its start, without changing it."""
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        raise CorruptLog("bad magic", 0)
    start = len(MAGIC)
    while True:
        header = file.read(HEADER.size)
        if not header:
            return
        checksum, kind, key_size, value_size = HEADER.unpack(header)
        body = file.read(key_size + value_size)
        if len(body) < key_size + value_size:
            return
        if zlib.crc32(header[4:] + body) != checksum:
            raise CorruptLog("bad checksum", start)
        if kind not in (PUT, DELETE):
            raise CorruptLog(f"unknown kind {kind}", start)
        start += len(header) + len(body)
        yield Record(kind, body[:key_size], body[key_size:], start)
