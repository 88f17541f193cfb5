"""The fault matrix: ``matrix.yaml`` beside this file, a row for each fault that the promise must survive."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import yaml


class Row(NamedTuple):
    """One line of the matrix.

    :param fault: what happens and, where it says little, by which means.
    :param expected: what must come of it.
    """

    id: str
    fault: str
    expected: str


def sections() -> dict[str, list[Row]]:
    """Rows by the title of their section, in the order of the file."""
    text = Path(__file__).with_name("matrix.yaml").read_text(encoding="utf-8")
    return {title: [Row(name, **row) for name, row in rows.items()] for title, rows in yaml.safe_load(text).items()}


def rows() -> dict[str, Row]:
    """All rows by their ids."""
    return {row.id: row for found in sections().values() for row in found}
