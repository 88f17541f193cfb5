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
    ``source`` is the name of the field in the message, ``field`` that of the model's field, where they differ from the
    column's. ``max_length`` (characters, bytes), ``precision`` and ``scale`` (digits) are what values are held to: by
    the type of a table that is there, or by the model. Tables that are created do not have them.
    """

    name: str
    type: str
    mode: str = "NULLABLE"
    fields: tuple[Column, ...] = ()
    description: str | None = None
    source: str | None = None
    field: str | None = None
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None

    @property
    def attribute(self) -> str:
        """What a decoded value calls it."""
        return self.field or self.name

    @property
    def groupable(self) -> bool:
        """Whether it can be part of a dedup key (no JSON, ARRAY, STRUCT; no FLOAT64, whose equality is inexact)."""
        return self.mode != "REPEATED" and self.type not in {"JSON", "STRUCT", "FLOAT64"}

    @property
    def clusterable(self) -> bool:
        """Whether BigQuery clusters by it (top-level, no FLOAT64, BYTES, TIME, JSON, STRUCT, ARRAY)."""
        return self.groupable and self.type not in {"BYTES", "TIME"}
