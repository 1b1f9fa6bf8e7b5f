"""Reads plain-text time logs."""
