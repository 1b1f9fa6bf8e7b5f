"""Cleaning of single values: each function returns the clean value, or None if there is none."""

import re

COUNTRY_PREFIXES = {"DE": "49", "FR": "33", "GB": "44", "US": "1"}


def whole_number(text):
    """Reads a whole number with spaces around it or leading zeros."""
    text = text.strip()
    return int(text) if re.fullmatch(r"[0-9]+", text) else None
