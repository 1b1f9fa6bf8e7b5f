"""Runs the command line on logs and compares what it prints with a reference."""

import csv
import io
import json
import os
import sys
from datetime import date, timedelta

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness

# Every entry as (day, start minute, length in minutes, project).
WINTER = [
    ("2024-12-27", 540, 95, "acme/website"), ("2024-12-28", 1350, 165, "acme/ops"), ("2024-12-29", 1380, 120, "globex/api/v2"),
    ("2024-12-30", 600, 61, "internal"), ("2024-12-31", 1410, 45, "acme/ops"), ("2025-01-01", 0, 1439, "internal"),
    ("2025-01-03", 1200, 240, "acme/website"), ("2025-01-05", 1439, 2, "zoë/straße"), ("2025-01-05", 540, 60, "acme"),
    ("2025-01-12", 1320, 180, "globex/api"), ("2020-12-31", 1430, 20, "acme/ops"), ("2021-01-03", 1430, 20, "acme/ops"),
    ("2024-12-30", 630, 61, "internal"), ("2024-12-27", 560, 10, "acme/website"),
]
LEAP = [("2024-02-28", 1380, 90, "a"), ("2024-02-29", 1380, 90, "a/b"), ("2024-02-29", 30, 5, "a.b"), ("2024-03-01", 600, 1, "a_b")]
LONG = [(f"2024-05-{day:02}", 0, 600, "site-" + "x" * (day % 4)) for day in range(1, 32)]
ONE = [("2024-03-01", 555, 90, "acme/website")]


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


def log(entries):
    lines = ["# a log", ""]
    for number, (day, start, length, project) in enumerate(entries):
        end = start + length
        text = "24:00" if end == 1440 else clock(end % 1440)
        lines.append(f"{day} {clock(start)}-{text} {project}" + ("  a note" if number % 2 else ""))
    return "\n".join(lines) + "\n"


def key_of(day, project, by):
    if by == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    return {"project": project, "client": project.split("/")[0], "day": day.isoformat()}[by]


def totals(entries, by, since, until):
    counted = {}
    for day, start, length, project in entries:
        first = min(length, 1440 - start)
        for later, minutes in enumerate((first, length - first)):
            at = date.fromisoformat(day) + timedelta(days=later)
            if minutes and (since is None or at.isoformat() >= since) and (until is None or at.isoformat() <= until):
                key = key_of(at, project, by)
                counted[key] = counted.get(key, 0) + minutes
    return sorted(counted.items())


def rendered(rows, by, style):
    total = sum(minutes for _, minutes in rows)
    if style == "json":
        listed = [{"key": key, "minutes": minutes} for key, minutes in rows]
        return json.dumps({"by": by, "rows": listed, "total_minutes": total}, ensure_ascii=False) + "\n"
    if style == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([("key", "minutes"), *rows])
        return out.getvalue()
    lines = [(key, f"{minutes // 60}:{minutes % 60:02}") for key, minutes in [*rows, ("total", total)]]
    keys, times = max(len(key) for key, _ in lines), max(len(time) for _, time in lines)
    return "".join(f"{key:<{keys}}  {time:>{times}}\n" for key, time in lines)


def good_cases():
    """Command lines that succeed, with the text of the log and what they print."""
    limits = [(None, None), ("2024-12-29", "2025-01-01"), ("2024-12-29", "2024-12-29"), ("2025-01-04", None), (None, "2020-12-31"),
              ("2022-01-01", "2022-12-31")]
    styles = ("text", "csv", "json", "text", "json")
    plans = [(WINTER, by, *limit, styles[(shift + number) % 5]) for shift, by in enumerate(("project", "client", "day", "week"))
             for number, limit in enumerate(limits)]
    plans += [(LEAP, by, "2024-02-29", "2024-02-29", "json") for by in ("client", "day", "project")]
    plans += [(LONG, by, None, None, style) for by, style in (("project", "text"), ("week", "csv"))]
    plans += [([], by, None, None, style) for by, style in (("day", "text"), ("week", "csv"), ("client", "json"))]
    plans += [(ONE, "project", None, None, "text")]
    cases = {}
    for number, (entries, by, since, until, style) in enumerate(plans):
        arguments = ["summary", "log" if number % 5 else "-"]
        for name, value, default in (("--by", by, "project"), ("--since", since, None), ("--until", until, None),
                                     ("--format", style, "text")):
            if value != default or (value and number % 3 == 0):
                arguments += [name, value]
        printed = rendered(totals(entries, by, since, until), by, style)
        cases[f"{number}: {' '.join(arguments)}"] = (arguments, log(entries), [0, printed, ""])
    return cases


def bad_cases():
    """Command lines that fail: exit status, stdout, and what stderr must be (None: not empty)."""
    broken = log(ONE) + "2024-03-01 9:00-10:00 acme\n2031-01-01 10:00-10:00 acme\n"
    told = "log:4: `9:00-10:00` is not a span of time\nlog:5: `10:00-10:00` has no length\n"
    usage = [["--by", "month"], ["--since", "2024-3-1"], ["--until", "2024-02-30"], ["--since", "20240301"], ["--format", "xml"],
             ["--since", "2024-03-02", "--until", "2024-03-01"], ["--since", ""], ["--until", "2024-W09-5"], ["--since", "٢٠٢٤-٠٣-٠١"],
             ["extra"]]
    cases = {f"bad line {' '.join(more)}": (["summary", "log", *more], broken, [1, "", told])
             for more in ([], ["--by", "day", "--until", "2024-03-01"], ["--format", "json"], ["--format", "csv"])}
    cases.update({f"usage {' '.join(more)}": (["summary", "log", *more], log(ONE), [2, "", None]) for more in usage})
    cases["no file"] = (["summary", "absent"], log(ONE), [1, "", "tally: cannot read absent: [Errno 2] No such file or directory: 'absent'\n"])
    cases["no argument"] = (["summary"], "", [2, "", None])
    cases["check"] = (["check", "log"], broken, [1, "", told])
    cases["list"] = (["list", "log"], log(WINTER[:3][::-1]), [0, "2024-12-27 09:00    95 acme/website\n2024-12-28 22:30   165 acme/ops a note\n"
                                                               "2024-12-29 23:00   120 globex/api/v2\n", ""])
    cases["list goes on after bad lines"] = (["list", "log"], broken, [1, "2024-03-01 09:15    90 acme/website\n", told])
    return cases


CASES = {**good_cases(), **bad_cases()}


def body():
    # What the command line imports is imported once, before the forks.
    import argparse
    import collections
    import dataclasses
    import gettext
    import runpy
    import shutil
    import traceback

    harness.preload("tally")
    observed = {}
    for name, (arguments, text, (_, _, stderr)) in CASES.items():
        with open("log", "w", encoding="utf-8") as file:
            file.write(text)
        result = harness.run_module("tally", arguments, text.encode())
        told = None if stderr is None and result["stderr"] else result["stderr"]
        observed[name] = [result["exit"], result["stdout"], told]
    return observed


def check(directory):
    harness.copy(["tally"], directory)
    observed = harness.observe(body, directory, seconds=30)
    return harness.compare(observed, {name: case[2] for name, case in CASES.items()})


if __name__ == "__main__":
    harness.grade(check)
