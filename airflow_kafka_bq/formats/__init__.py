"""Bytes to columns, one file per format."""
