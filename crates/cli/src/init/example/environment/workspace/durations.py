"""Durations as people write them: `1h30m`, `45s`."""

import re

UNITS = {"h": 3600, "m": 60, "s": 1}


def parse(text):
    """Returns the seconds of a duration."""
    return sum(int(number) * UNITS[unit] for number, unit in re.findall("([0-9]+)([hms])", text))
