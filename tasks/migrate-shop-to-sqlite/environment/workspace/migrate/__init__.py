"""Moves an export of the old shop to the new shop's database. See docs/rules.md."""
