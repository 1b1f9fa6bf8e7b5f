"""Command line: python3 -m kvlog get|put|delete|list|compact|check FILE [KEY [VALUE]]"""

import os
import sys

from .codec import MAGIC, CorruptLog, scan
from .store import Store

USAGE = __doc__.splitlines()[0].replace("Command line", "usage")


def check(path):
    """Prints the condition of a log and returns the exit status."""
    count, end = 0, len(MAGIC)
    try:
        with open(path, "rb") as file:
            for record in scan(file):
                count, end = count + 1, record.end
    except CorruptLog as error:
        print(f"corrupt: record at offset {error.offset}")
        return 2
    rest = os.path.getsize(path) - end
    if rest:
        print(f"torn: {count} records, {rest} bytes after them")
        return 1
    print(f"ok: {count} records")
    return 0


def command(name, path, rest):
    """Runs one command that opens the store and returns the exit status."""
    with Store(path) as store:
        if name == "get":
            value = store.get(rest[0].encode())
            if value is None:
                return 1
            print(value.decode("utf-8", "replace"))
        elif name == "put":
            store.put(rest[0].encode(), rest[1].encode())
        elif name == "delete":
            return 0 if store.delete(rest[0].encode()) else 1
        elif name == "list":
            for key in store.keys():
                print(key.decode("utf-8", "replace"))
        elif name == "compact":
            store.compact()
    return 0


ARGUMENTS = {"get": 1, "put": 2, "delete": 1, "list": 0, "compact": 0, "check": 0}


def main(arguments):
    if len(arguments) < 2 or ARGUMENTS.get(arguments[0]) != len(arguments) - 2:
        print(USAGE, file=sys.stderr)
        return 64
    name, path, *rest = arguments
    if name == "check":
        return check(path)
    try:
        return command(name, path, rest)
    except CorruptLog as error:
        print(f"kvlog: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
