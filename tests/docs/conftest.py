"""A pipeline per test, for what pages tell people to do by hand."""

from __future__ import annotations

from tests.end_to_end.conftest import pipe

__all__ = ["pipe"]
