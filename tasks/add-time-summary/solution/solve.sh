#!/bin/bash
# The oracle: brings /app to a correct end state.
set -euo pipefail
cd /app

cat > tally/summary.py <<'EOF'
"""Sums of the time worked, by group."""

from datetime import date, datetime, time, timedelta


def pieces(entry):
    """Yields the days an entry touches, each with the whole minutes worked on it."""
    day = entry.start.date()
    start = entry.start
    while start < entry.end:
        end = min(entry.end, datetime.combine(day + timedelta(days=1), time()))
        yield day, int((end - start).total_seconds()) // 60
        day += timedelta(days=1)
        start = end


def group_of(day, project, by):
    """Returns the key of the group a piece of work belongs to."""
    if by == "day":
        return day.isoformat()
    if by == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    return project.partition("/")[0] if by == "client" else project


def summarize(entries, by, since=None, until=None):
    """Returns (key, minutes) of every group with time between two days, both inclusive, in order of the keys."""
    minutes = {}
    for entry in entries:
        for day, worked in pieces(entry):
            if (since or date.min) <= day <= (until or date.max):
                key = group_of(day, entry.project, by)
                minutes[key] = minutes.get(key, 0) + worked
    return sorted(minutes.items())
EOF

cat > tally/render.py <<'EOF'
"""The output formats of a summary."""

import csv
import io
import json


def as_text(by, rows):
    total = sum(minutes for _, minutes in rows)
    lines = [(key, f"{minutes // 60}:{minutes % 60:02}") for key, minutes in [*rows, ("total", total)]]
    keys = max(len(key) for key, _ in lines)
    times = max(len(time) for _, time in lines)
    return "".join(f"{key:<{keys}}  {time:>{times}}\n" for key, time in lines)


def as_csv(by, rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("key", "minutes"))
    writer.writerows(rows)
    return out.getvalue()


def as_json(by, rows):
    summary = {
        "by": by,
        "rows": [{"key": key, "minutes": minutes} for key, minutes in rows],
        "total_minutes": sum(minutes for _, minutes in rows),
    }
    return json.dumps(summary, ensure_ascii=False) + "\n"


FORMATS = {"text": as_text, "csv": as_csv, "json": as_json}
EOF

python3 - <<'EOF'
path = "tally/__main__.py"
with open(path) as file:
    text = file.read()
edits = {
    "from .entries import parse\n": "from .entries import BadLine, parse, parse_day\nfrom .render import FORMATS\nfrom .summary import summarize\n",
    "def build_parser():\n": """def summary(arguments):
    entries, bad = parse(read(arguments.file))
    if bad:
        report(arguments.file, bad)
        return 1
    rows = summarize(entries, arguments.by, arguments.since, arguments.until)
    sys.stdout.write(FORMATS[arguments.format](arguments.by, rows))
    return 0


def day_argument(text):
    try:
        return parse_day(text)
    except BadLine as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def build_parser():
""",
    "    return parser\n": """    command = commands.add_parser("summary", help="print where the time went")
    command.add_argument("file", metavar="FILE")
    command.add_argument("--by", choices=["client", "project", "day", "week"], default="project")
    command.add_argument("--since", metavar="DATE", type=day_argument)
    command.add_argument("--until", metavar="DATE", type=day_argument)
    command.add_argument("--format", choices=list(FORMATS), default="text")
    command.set_defaults(run=summary)

    return parser
""",
    "    options = build_parser().parse_args(arguments)\n": """    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.run is summary and options.since and options.until and options.since > options.until:
        parser.error("--since is later than --until")
""",
}
for old, new in edits.items():
    assert text.count(old) == 1, old
    text = text.replace(old, new)
with open(path, "w") as file:
    file.write(text)
EOF

tee tests/test_summary.py >/dev/null <<'EOF'
"""The summary command."""

import subprocess
import sys
import unittest

LOG = """2024-03-01 09:00-10:30 acme/website
2024-03-02 08:00-18:05 acme/ops
2024-03-04 09:00-09:01 globex
"""


def summary(*arguments):
    command = [sys.executable, "-B", "-m", "tally", "summary", "-", *arguments]
    return subprocess.run(command, input=LOG, capture_output=True, text=True, encoding="utf-8")


class SummaryTest(unittest.TestCase):
    def test_projects_are_summed_and_aligned(self):
        self.assertEqual(summary().stdout, "acme/ops      10:05\nacme/website   1:30\nglobex         0:01\ntotal         11:36\n")

    def test_weeks_are_iso_weeks(self):
        self.assertEqual(summary("--by", "week", "--format", "csv").stdout, "key,minutes\n2024-W09,695\n2024-W10,1\n")

    def test_limits_are_inclusive(self):
        done = summary("--by", "client", "--since", "2024-03-04", "--until", "2024-03-04", "--format", "json")
        self.assertEqual(done.stdout, '{"by": "client", "rows": [{"key": "globex", "minutes": 1}], "total_minutes": 1}\n')

    def test_limits_in_the_wrong_order_are_a_usage_error(self):
        self.assertEqual(summary("--since", "2024-03-04", "--until", "2024-03-01").returncode, 2)


if __name__ == "__main__":
    unittest.main()
EOF

sed -i 's/^    python3 -m tally list FILE .*$/&\n    python3 -m tally summary FILE  says where the time went: --by client, project, day or week; --since and --until; --format/' README.md
