"""An existing table against what a job needs: what can be added, what is left alone, what cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from airflow_kafka_bq.exceptions import SchemaDriftError
from airflow_kafka_bq.schema import names
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.table_options import notes_on_options
from airflow_kafka_bq.schema.target import TableFacts, Target

# INSERT coerces these without loss, and ALTER COLUMN SET DATA TYPE makes them; INT64 to FLOAT64, which BigQuery offers
# as well, would round beyond 2**53.
# https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules#coercion
# https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#alter_column_set_data_type_statement
_EXACT_WIDENINGS = {("INT64", "NUMERIC"), ("INT64", "BIGNUMERIC"), ("NUMERIC", "BIGNUMERIC")}


@dataclass(frozen=True, slots=True)
class Difference:
    """``add`` and ``relax`` are names of columns, ``widen`` has the table's columns with the types that they would get;
    ``notes`` and ``drift`` are sentences for people.
    """

    add: tuple[str, ...] = ()
    relax: tuple[str, ...] = ()
    widen: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()


def difference(target: Target, facts: TableFacts, policy: str) -> Difference:
    """Compare, change nothing.

    :param policy: ``schema_update``: what may be changed; the rest of what differs is drift.
    """
    if not facts.is_table:
        return Difference(drift=(f"{target.table} is no ordinary table (a view, a snapshot or an external table)",))
    missing = tuple(column for column in target.columns if facts.column(column.name) is None)
    gone = tuple(column for column in missing if target.of_table and _of_messages(column, target))
    missing = tuple(column for column in missing if column not in gone)
    relaxed, widened = tuple(_to_relax(target, facts)), tuple(_to_widen(target, facts))
    relaxes, widens = policy in {"add_relax", "add_relax_widen"}, policy == "add_relax_widen"
    return Difference(
        add=tuple(column.name for column in missing) if policy != "none" else (),
        relax=relaxed if relaxes else (),
        widen=widened if widens else (),
        notes=(
            *(_notes_on_adding(missing) if policy != "none" else ()),
            *_notes_on_tags(target.columns, facts.columns),
            *_notes_on_layout(target, facts),
            *notes_on_options(target, facts),
        ),
        drift=(
            *(_missing(missing) if policy == "none" else ()),
            *(f"column {column.name} was there a moment ago; run it again" for column in gone),
            *(_too_strict(relaxed, target) if not relaxes else ()),
            *_clashes(target, facts, widened, widens=widens),
            *_marked_before(target, facts),
        ),
    )


def _of_messages(column: Column, target: Target) -> bool:
    """Whether messages fill it, and neither their envelope nor we."""
    return names.refusal(column.name) is None and column.name not in target.envelope


def _marked_before(target: Target, facts: TableFacts) -> Iterator[str]:
    """A row that ``soft_delete`` marked would stay marked when a newer message replaces it: nobody clears the mark."""
    if target.delete and facts.column("_deleted_at") is not None:
        yield (
            "column _deleted_at is of on_tombstone='soft_delete': before 'delete', remove the rows that have it set, "
            "then drop the column"
        )


def refuse_drift(
    found: Difference, target: Target, topic: str | None = None, first: tuple[int, int] | None = None
) -> None:
    """Raise if the table cannot take the job's rows.

    :param first: partition and offset of the first message that has no place.
    :raises SchemaDriftError: names each column with the table's type and the job's.
    """
    if not found.drift:
        return
    partition, offset = first or (None, None)
    message = f"table {target.table} does not fit: {'; '.join(found.drift)}"
    remedy = "change the table or the model; see kafka-bq schema --diff"
    raise SchemaDriftError(message, topic=topic, partition=partition, offset=offset, remedy=remedy)


def shape(column: Column) -> str:
    """Type as people write it: ``ARRAY<STRUCT<a INT64>>``."""
    inner = column.type
    if column.max_length is not None or column.precision is not None:
        limits = (column.max_length,) if column.precision is None else (column.precision, column.scale or 0)
        inner = f"{column.type}({', '.join(map(str, limits))})"
    if column.type == "STRUCT":
        inner = f"STRUCT<{', '.join(f'{field.name} {shape(field)}' for field in column.fields)}>"
    return f"ARRAY<{inner}>" if column.mode == "REPEATED" else inner


def _missing(columns: tuple[Column, ...]) -> Iterator[str]:
    for column in columns:
        yield f"column {column.name} {shape(column)} is missing, and schema_update is 'none'"


def _notes_on_adding(columns: tuple[Column, ...]) -> Iterator[str]:
    for column in columns:
        if column.mode == "REQUIRED":
            yield f"column {column.name} is added as NULLABLE: BigQuery adds no REQUIRED column to a table"


def _to_relax(target: Target, facts: TableFacts) -> Iterator[str]:
    """Columns that the table requires and the job may leave NULL."""
    for column in facts.columns:
        wanted = target.column(column.name)
        if column.mode == "REQUIRED" and (wanted is None or wanted.mode == "NULLABLE"):
            yield column.name


def _too_strict(names: tuple[str, ...], target: Target) -> Iterator[str]:
    for name in names:
        why = "the job never fills it" if target.column(name) is None else "the job may give NULL"
        yield f"column {name} is REQUIRED and {why} (schema_update='add_relax' would make it NULLABLE)"


def _to_widen(target: Target, facts: TableFacts) -> Iterator[Column]:
    """Columns that a wider type would make fit. BigQuery lets no partition column change its type."""
    layout = facts.partitioning.column.lower() if facts.partitioning else None
    for wanted in target.columns:
        there = facts.column(wanted.name)
        if there is None or _takes(there, wanted) or there.name.lower() == layout:
            continue
        kind = _wider(there, wanted)
        if kind is not None:
            yield replace(there, type=kind, max_length=None, precision=None, scale=None)


def _wider(there: Column, wanted: Column) -> str | None:
    """The type, without limits, that holds the values of both; None if there is none."""
    if "REPEATED" in {there.mode, wanted.mode} or "STRUCT" in {there.type, wanted.type}:
        return None
    if (there.type, wanted.type) in _EXACT_WIDENINGS:
        return wanted.type
    same = there.type == wanted.type or (wanted.type, there.type) in _EXACT_WIDENINGS
    return there.type if same else None


def _clashes(target: Target, facts: TableFacts, widened: Sequence[Column], *, widens: bool) -> Iterator[str]:
    wider = {column.name.lower(): column.type for column in widened}
    for wanted in target.columns:
        there, other = facts.column(wanted.name), wider.get(wanted.name.lower())
        if there is None or _takes(there, wanted) or (widens and other):
            continue
        hint = f" (schema_update='add_relax_widen' would make it {other})" if other else _hint(there, wanted)
        yield f"column {wanted.name} is {shape(there)} and the job has {shape(wanted)}{hint}"


def _takes(there: Column, wanted: Column) -> bool:
    """Whether every value of the job's column goes into the table's, exactly."""
    if (there.mode == "REPEATED") != (wanted.mode == "REPEATED"):
        return False
    if there.type == wanted.type == "STRUCT":
        return _same_fields(there.fields, wanted.fields)
    widened = there.mode != "REPEATED" and (wanted.type, there.type) in _EXACT_WIDENINGS
    return (there.type == wanted.type or widened) and _long_enough(there, wanted)


_DIGITS = {"INT64": (19, 0), "NUMERIC": (38, 9), "BIGNUMERIC": (76, 38)}


def _long_enough(there: Column, wanted: Column) -> bool:
    """NUMERIC(10, 2) would round what has more digits, STRING(10) would fail the batch of what is longer.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#parameterized_data_types
    """
    if there.max_length is not None:
        return wanted.max_length is not None and wanted.max_length <= there.max_length
    if there.precision is None:
        return True
    digits, places = _DIGITS[wanted.type] if wanted.precision is None else (wanted.precision, wanted.scale or 0)
    room = there.scale or 0
    return places <= room and digits - places <= there.precision - room


def _same_fields(there: tuple[Column, ...], wanted: tuple[Column, ...]) -> bool:
    """BigQuery assigns STRUCTs by position: the same fields in another order would change places."""
    if [field.name.lower() for field in there] != [field.name.lower() for field in wanted]:
        return False
    return all(_same_field(old, new) for old, new in zip(there, wanted, strict=True))


def _same_field(there: Column, wanted: Column) -> bool:
    if there.mode != wanted.mode and (there.mode == "REQUIRED" or "REPEATED" in {there.mode, wanted.mode}):
        return False
    same = there.type == wanted.type and _long_enough(there, wanted)
    return same and _same_fields(there.fields, wanted.fields)


def _hint(there: Column, wanted: Column) -> str:
    if {there.type, wanted.type} == {"INT64", "FLOAT64"}:
        return " (a FLOAT64 would round an INT64 beyond 2**53)"
    if not there.type == wanted.type == "STRUCT":
        return ""
    old, new = ([field.name.lower() for field in column.fields] for column in (there, wanted))
    absent = [name for name in new if name not in old]
    if absent:
        return f" (add the fields {', '.join(absent)} with `bq update`: no DDL statement adds fields to a STRUCT)"
    return " (a STRUCT needs the same fields in the same order)" if old != new else ""


def _notes_on_tags(wanted: Sequence[Column], there: Sequence[Column], path: str = "") -> Iterator[str]:
    """A tag that is missing is a column that too many may read."""
    found = {column.name.lower(): column for column in there}
    for column in wanted:
        if (old := found.get(column.name.lower())) is None:
            continue
        name = f"{path}{column.name}"
        if column.policy_tag not in {None, old.policy_tag}:
            has = f"policy tag {old.policy_tag}" if old.policy_tag else "no policy tag"
            yield f"column {name} has {has} and the job says {column.policy_tag}; it is left alone"
        yield from _notes_on_tags(column.fields, old.fields, f"{name}.")


def _notes_on_layout(target: Target, facts: TableFacts) -> Iterator[str]:
    if facts.partitioning != target.partitioning:
        there, wanted = (str(found or "nothing") for found in (facts.partitioning, target.partitioning))
        yield f"it is partitioned by {there} and the job says {wanted}; it is left alone"
    if facts.partitioning and facts.partitioning.by_ingestion and not target.dedup_window:
        yield "it is partitioned by ingestion time, which tells nothing of a key: each MERGE looks in all partitions"
    if tuple(map(str.lower, facts.cluster_by)) != tuple(map(str.lower, target.cluster_by)):
        old, new = (", ".join(names) or "nothing" for names in (facts.cluster_by, target.cluster_by))
        yield f"it is clustered by {old} and the job says {new}; it is left alone"
