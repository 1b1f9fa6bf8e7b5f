"""The command line."""

import argparse
import sys

from .entries import parse


def read(path):
    """Returns the text of a file, or of standard input for `-`."""
    if path == "-":
        return sys.stdin.buffer.read().decode("utf-8")
    with open(path, encoding="utf-8") as file:
        return file.read()


def report(path, bad):
    """Prints bad lines to stderr."""
    for number, reason in bad:
        print(f"{path}:{number}: {reason}", file=sys.stderr)


def check(arguments):
    _, bad = parse(read(arguments.file))
    report(arguments.file, bad)
    return 1 if bad else 0


def list_entries(arguments):
    entries, bad = parse(read(arguments.file))
    report(arguments.file, bad)
    for entry in sorted(entries):
        print(f"{entry.start:%Y-%m-%d %H:%M} {entry.minutes:5} {entry.project} {entry.note}".rstrip())
    return 1 if bad else 0


def build_parser():
    parser = argparse.ArgumentParser(prog="tally", description="Reads plain-text time logs.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("check", help="say which lines are wrong")
    command.add_argument("file", metavar="FILE")
    command.set_defaults(run=check)

    command = commands.add_parser("list", help="print the entries in order")
    command.add_argument("file", metavar="FILE")
    command.set_defaults(run=list_entries)

    return parser


def main(arguments=None):
    options = build_parser().parse_args(arguments)
    try:
        return options.run(options)
    except (OSError, UnicodeDecodeError) as error:
        print(f"tally: cannot read {options.file}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
