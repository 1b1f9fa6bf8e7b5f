"""Reads durations with the code under test and compares what comes out."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness

GOOD = {
    "45s": 45, "0s": 0, "90m": 5400, "1h30m": 5400, "1h0m1s": 3601, "007s": 7, "2d": 172800, "1d12h": 129600, "1d1s": 86401,
    "1d1h1m1s": 90061, "100d": 8640000,
}
BAD = [
    "", " ", "1", "h", "1x", "h30m", "1h ", " 1h", "1h 30m", "1h30", "-1h", "1.5h", "1H", "1h\n", "30m1h", "1s1d", "1h1h", "1d2h3h",
    "1h,30m", "1w",
]


def read(parse, text):
    try:
        return parse(text)
    except ValueError:
        return "ValueError"


def body():
    import durations

    return {text: read(durations.parse, text) for text in [*GOOD, *BAD]}


def check(directory):
    harness.copy(["durations.py"], directory)
    observed = harness.observe(body, directory, seconds=10)
    return harness.compare(observed, {**GOOD, **dict.fromkeys(BAD, "ValueError")})


if __name__ == "__main__":
    harness.grade(check)
