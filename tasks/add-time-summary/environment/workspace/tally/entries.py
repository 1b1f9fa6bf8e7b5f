"""Entries of a time log and how they are read."""

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple

_LINE = re.compile(r"(\S+)[ \t]+(\S+)[ \t]+(\S+)(?:[ \t]+(.*))?")
_SPAN = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_PROJECT = re.compile(r"[\w./-]+")


class Entry(NamedTuple):
    """Time worked on a project, from `start` to `end`, which is at most a day later."""

    start: datetime
    end: datetime
    project: str
    note: str

    @property
    def minutes(self):
        """Its length in whole minutes."""
        return int((self.end - self.start).total_seconds()) // 60


class BadLine(Exception):
    """A line that is not an entry; the text says why."""


def parse_day(text):
    """Reads a day written as YYYY-MM-DD, and nothing else."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise BadLine(f"`{text}` is not a day")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadLine(f"`{text}` is not a day") from None


def _parse_span(day, text):
    match = _SPAN.fullmatch(text)
    if not match:
        raise BadLine(f"`{text}` is not a span of time")
    hours_from, minutes_from, hours_to, minutes_to = map(int, match.groups())
    start, end = 60 * hours_from + minutes_from, 60 * hours_to + minutes_to
    if minutes_from > 59 or minutes_to > 59 or start >= 1440 or end > 1440:
        raise BadLine(f"`{text}` is not a span of time")
    if start == end:
        raise BadLine(f"`{text}` has no length")
    if end < start:
        end += 1440
    midnight = datetime(day.year, day.month, day.day)
    return midnight + timedelta(minutes=start), midnight + timedelta(minutes=end)


def parse_line(line):
    """Reads one line; returns None for an empty line or a comment."""
    line = line.strip()
    if not line or line.startswith("#"):
        return None
    match = _LINE.fullmatch(line)
    if not match:
        raise BadLine("a line needs a day, a span and a project")
    day, span, project, note = match.groups()
    start, end = _parse_span(parse_day(day), span)
    if not _PROJECT.fullmatch(project) or project.startswith("/") or project.endswith("/"):
        raise BadLine(f"`{project}` is not a project")
    return Entry(start, end, project, note or "")


def parse(text):
    """Returns the entries of a log in the order of the file, and the bad lines as (number, reason)."""
    entries, bad = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            entry = parse_line(line)
        except BadLine as error:
            bad.append((number, str(error)))
        else:
            if entry:
                entries.append(entry)
    return entries, bad
