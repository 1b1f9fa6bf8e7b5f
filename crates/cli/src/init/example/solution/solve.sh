#!/bin/bash
# The oracle: brings /app to a correct end state.
set -euo pipefail
cd /app

cat > durations.py <<'END'
"""Durations as people write them: `1h30m`, `45s`."""

import re

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def parse(text):
    """Returns the seconds of a duration; raises `ValueError` where it is none."""
    if not text or not re.fullmatch("".join(f"([0-9]+{unit})?" for unit in UNITS), text):
        raise ValueError(f"`{text}` is no duration")
    return sum(int(number) * UNITS[unit] for number, unit in re.findall("([0-9]+)([dhms])", text))
END

sed -i 's/^        self.assertEqual(parse("45s"), 45)$/&\n\n    def test_what_is_no_duration_is_refused(self):\n        for text in ("", "1x", "30m1h", "1h1h"):\n            self.assertRaises(ValueError, parse, text)/' test_durations.py
