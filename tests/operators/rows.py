"""A model that tasks of the tests import by its name."""

from __future__ import annotations

from pydantic import BaseModel


class Numbered(BaseModel):
    """A number, and a note that a person adds."""

    n: int
    note: str | None = None
