"""Checks the store against docs/format.md: torn tails at every byte, corruption, compaction, and what worked before."""

import os
import struct
import sys
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness

MAGIC = b"KVL1"


def record(kind, key, value=b""):
    """Lays a record out as the document says, without the code under test."""
    checked = struct.pack(">BHI", kind, len(key), len(value)) + key + value
    return struct.pack(">I", zlib.crc32(checked)) + checked


RECORDS = [record(1, b"alpha", b"one"), record(1, b"beta", b"\x00" * 12), record(2, b"alpha"), record(1, b"alpha", b"")]
STATES = [{}, {b"alpha": b"one"}, {b"alpha": b"one", b"beta": b"\x00" * 12}, {b"beta": b"\x00" * 12},
          {b"alpha": b"", b"beta": b"\x00" * 12}]
WHOLE = MAGIC + b"".join(RECORDS)


def write(data, path="log"):
    with open(path, "wb") as file:
        file.write(data)


def read(path="log"):
    with open(path, "rb") as file:
        return file.read()


def contents(store):
    return {key: store.get(key) for key in store.keys()}


def ends():
    """The offsets at which 0, 1, 2 … records are whole."""
    positions = [len(MAGIC)]
    for data in RECORDS:
        positions.append(positions[-1] + len(data))
    return positions


def torn_tails(Store):
    """Offsets of a cut after which a store does not open, keep, truncate and go on as it should."""
    bad = []
    for cut in range(len(WHOLE) + 1):
        whole = sum(1 for end in ends()[1:] if end <= cut)
        kept = WHOLE[: ends()[whole]]
        try:
            write(WHOLE[:cut])
            with Store("log") as store:
                good = contents(store) == STATES[whole]
            good = good and read() == kept
            with Store("log") as store:
                store.put(b"later", b"kept")
                store.delete(b"beta")
            wanted = {key: value for key, value in STATES[whole].items() if key != b"beta"}
            with Store("log") as store:
                good = good and contents(store) == {**wanted, b"later": b"kept"}
            good = good and read().startswith(kept + record(1, b"later", b"kept"))
        except Exception:
            good = False
        if not good:
            bad.append(cut)
    return bad


def writes_right_after_a_torn_open(Store):
    write(WHOLE[:-2])
    with Store("log") as store:
        store.put(b"x", b"1")
    write(read()[:-3])
    with Store("log") as store:
        store.put(b"y", b"2")
        return [key.decode() for key in store.keys()], read() == WHOLE[: ends()[3]] + record(1, b"y", b"2")


def corruption(Store, CorruptLog):
    """Damaged files that are not refused with the right offset, or not left alone."""
    starts = ends()
    flipped = bytearray(WHOLE)
    flipped[starts[2] - 1] ^= 0x40
    last = bytearray(WHOLE)
    last[-1] ^= 1
    checksum = bytearray(WHOLE)
    checksum[starts[0]] ^= 1
    cases = {
        "a value in the middle": (bytes(flipped), starts[1]),
        "a value in the middle, torn tail": (bytes(flipped)[:-1], starts[1]),
        "the last record": (bytes(last), starts[3]),
        "the first checksum": (bytes(checksum), starts[0]),
        "an unknown kind": (MAGIC + RECORDS[0] + record(7, b"k", b"v") + RECORDS[1], starts[1]),
        "an unknown kind at the end": (MAGIC + record(3, b"k"), starts[0]),
        "another beginning": (b"KVL2" + RECORDS[0], 0),
        "a short other beginning": (b"KX", 0),
    }
    bad = []
    for name, (data, offset) in cases.items():
        write(data)
        try:
            Store("log").close()
            bad.append(f"{name}: opened")
        except CorruptLog as error:
            if error.offset != offset:
                bad.append(f"{name}: offset {error.offset}")
        except Exception as error:
            bad.append(f"{name}: {error!r}")
        if read() != data:
            bad.append(f"{name}: file changed")
    return bad


def leftovers_of_a_compaction(Store):
    """Left-over scratch files with which a compaction does not give the live keys."""
    stale = MAGIC + record(1, b"gone", b"old") + record(1, b"alpha", b"old")
    bad = []
    for name, scratch in {"whole": stale, "torn": stale[:-4], "empty": b"", "short": b"KV", "foreign": b"\xff" * 50,
                          "long": stale * 20}.items():
        write(WHOLE)
        write(scratch, "log.compact")
        try:
            with Store("log") as store:
                store.compact()
                store.put(b"zeta", b"9")
            live = MAGIC + record(1, b"alpha", b"") + record(1, b"beta", b"\x00" * 12)
            if read() != live + record(1, b"zeta", b"9") or os.path.exists("log.compact"):
                bad.append(name)
            with Store("log") as store:
                if contents(store) != {**STATES[-1], b"zeta": b"9"}:
                    bad.append(name)
        except Exception as error:
            bad.append(f"{name}: {error!r}")
    return bad


def good_days(Store):
    if os.path.exists("log"):
        os.remove("log")
    with Store("log", sync=True) as store:
        store.put(b"b", b"2")
        store.put(b"a", b"1")
        store.put(b"a", b"3")
        removed = [store.delete(b"b"), store.delete(b"b")]
    with Store("log") as store:
        kept = [store.get(b"a").decode(), store.get(b"b"), len(store), store.get(b"b", b"none").decode()]
        try:
            store.put(b"", b"x")
            kept.append("took an empty key")
        except ValueError:
            pass
    return removed, kept, read() == MAGIC + record(1, b"b", b"2") + record(1, b"a", b"1") + record(1, b"a", b"3") + record(2, b"b")


def codec():
    from kvlog.codec import DELETE, MAGIC as magic, PUT, encode, scan
    write(WHOLE)
    with open("log", "rb") as file:
        found = [[r.kind, r.key.decode(), r.end] for r in scan(file)]
    return found, encode(PUT, b"alpha", b"one") == RECORDS[0], encode(DELETE, b"alpha") == RECORDS[2], magic == MAGIC


def commands():
    """What the check and other commands print; check must leave every file as it was."""
    damaged = bytearray(WHOLE)
    damaged[-1] ^= 1
    files = {"whole": WHOLE, "torn header": WHOLE[: ends()[3] + 5], "torn value": MAGIC + RECORDS[0][:-1], "short": b"KVL",
             "empty": b"", "fresh": MAGIC, "damaged": bytes(damaged), "foreign": b"PK\x03\x04...."}
    seen = {}
    for name, data in files.items():
        write(data)
        result = harness.run_module("kvlog", ["check", "log"])
        seen[name] = [result["exit"], result["stdout"], read() == data]
    write(WHOLE[:-1])
    harness.run_module("kvlog", ["put", "log", "k", "v"])
    result = harness.run_module("kvlog", ["list", "log"])
    seen["list"] = [result["exit"], result["stdout"], read().endswith(record(1, b"k", b"v"))]
    write(bytes(damaged))
    result = harness.run_module("kvlog", ["get", "log", "k"])
    seen["get from a damaged file"] = [result["exit"], result["stdout"], read() == bytes(damaged)]
    return seen


def body():
    from kvlog import CorruptLog, Store

    checks = {
        "torn tails": lambda: torn_tails(Store),
        "torn twice": lambda: writes_right_after_a_torn_open(Store),
        "corruption": lambda: corruption(Store, CorruptLog),
        "left-over compaction": lambda: leftovers_of_a_compaction(Store),
        "good days": lambda: good_days(Store),
        "codec": codec,
        "commands": commands,
    }
    observed = {}
    for name, run in checks.items():
        try:
            observed[name] = run()
        except Exception as error:
            observed[name] = harness.error_of(error)
    return observed


EXPECTED = {
    "torn tails": [],
    "torn twice": [["beta", "y"], True],
    "corruption": [],
    "left-over compaction": [],
    "good days": [[True, False], ["3", None, 1, "none"], True],
    "codec": [[[1, "alpha", ends()[1]], [1, "beta", ends()[2]], [2, "alpha", ends()[3]], [1, "alpha", ends()[4]]], True, True, True],
    "commands": {
        "whole": [0, "ok: 4 records\n", True],
        "torn header": [1, "torn: 3 records, 5 bytes after them\n", True],
        "torn value": [1, "torn: 0 records, 18 bytes after them\n", True],
        "short": [1, "torn: 0 records, 3 bytes after them\n", True],
        "empty": [1, "torn: 0 records, 0 bytes after them\n", True],
        "fresh": [0, "ok: 0 records\n", True],
        "damaged": [2, f"corrupt: record at offset {ends()[3]}\n", True],
        "foreign": [2, "corrupt: record at offset 0\n", True],
        "list": [0, "beta\nk\n", True],
        "get from a damaged file": [2, "", True],
    },
}


def check(directory):
    harness.copy(["kvlog"], directory)
    return harness.compare(harness.observe(body, directory, seconds=20), EXPECTED)


if __name__ == "__main__":
    harness.grade(check)
