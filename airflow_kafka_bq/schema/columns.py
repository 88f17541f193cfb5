"""A column as BigQuery has it, and what travels to it."""

from __future__ import annotations

from dataclasses import dataclass

SCALARS = (
    *("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL", "STRING", "BYTES"),
    *("DATE", "TIME", "DATETIME", "TIMESTAMP", "JSON"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column or STRUCT field.

    ``type`` is a GoogleSQL name (see SCALARS, or ``STRUCT`` with ``fields``); ``mode`` is NULLABLE, REQUIRED, REPEATED.
    ``source`` is the name of the field in the message where it differs from the column's.
    """

    name: str
    type: str
    mode: str = "NULLABLE"
    fields: tuple[Column, ...] = ()
    description: str | None = None
    source: str | None = None

    @property
    def groupable(self) -> bool:
        """Whether it can be part of a dedup key (no JSON, ARRAY, STRUCT; no FLOAT64, whose equality is inexact)."""
        return self.mode != "REPEATED" and self.type not in {"JSON", "STRUCT", "FLOAT64"}

    @property
    def clusterable(self) -> bool:
        """Whether BigQuery clusters by it (top-level, no FLOAT64, BYTES, TIME, JSON, STRUCT, ARRAY)."""
        return self.groupable and self.type not in {"BYTES", "TIME"}
