"""A column as BigQuery has it, and what travels to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_kafka_bq.schema.hashing import Hashing

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
    the type of a table that is there, or by the model. Tables that are created do not have them. ``hashed`` says that
    the column has a hash of what the message says.
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
    policy_tag: str | None = None
    hashed: Hashing | None = None
    computed: bool = False  # no message carries it

    @property
    def attribute(self) -> str:
        """What a decoded value calls it."""
        return self.field or self.name

    @property
    def renamed(self) -> dict[str, str]:
        """This column and those in it that are not called as the message calls them, and what it calls them."""
        inside = {
            f"{self.name}.{name}": f"{self.source or self.name}.{source}"
            for field in self.fields
            for name, source in field.renamed.items()
        }
        return ({} if self.source is None else {self.name: self.source}) | inside

    @property
    def groupable(self) -> bool:
        """Whether it can be part of a dedup key (no JSON, ARRAY, STRUCT; no FLOAT64, whose equality is inexact)."""
        return self.mode != "REPEATED" and self.type not in {"JSON", "STRUCT", "FLOAT64"}

    @property
    def clusterable(self) -> bool:
        """Whether BigQuery clusters by it (top-level, no FLOAT64, BYTES, TIME, JSON, STRUCT, ARRAY)."""
        return self.groupable and self.type not in {"BYTES", "TIME"}
