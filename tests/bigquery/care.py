"""Statements that look after a table: audit and repair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from airflow_kafka_bq.batch import ColumnBounds, OffsetRange
from airflow_kafka_bq.bigquery import auditing, ddl, repairing
from airflow_kafka_bq.config.partitioning import Partitioning
from airflow_kafka_bq.inspection import Doubled, RepairSpec, Scan
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import Target
from tests.bigquery.targets import CONTEXT, FIELDS, PIPELINE, TABLE, TOPIC, keep, payload, update

DAY = Column("day", "DATE")
FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
BACKUP = TABLE.companion("repair_20260131t060000_0123abcd")
KNOWN = (OffsetRange(0, 7, 98), OffsetRange(3, 0, 12), OffsetRange(3, 20, 30))
BARE = replace(keep(partitioning=None, cluster_by=()), columns=FIELDS)
DAILY = keep(*FIELDS, DAY, partitioning=Partitioning("day"))
MODES = {
    "coordinates": payload(),
    "keep": keep(key=("order_id", "sequence")),
    "keep_by_day": DAILY,
    "update_by_version": update("updated_at", "sequence"),
    "soft_delete": update("sequence", soft_delete=True),
    "without_kafka_columns": BARE,
}


def scan(target: Target, *, bounded: bool = False) -> Scan:
    """The whole table, or a month of it."""
    by = target.partitioning
    day = target.column(by.column if by else "_kafka_timestamp")
    if not bounded or by is None:
        return Scan(target, day)
    low, high = (FROM, TO) if day and day.type == "TIMESTAMP" else (date(2026, 1, 1), date(2026, 2, 1))
    return Scan(target, day, ColumnBounds(by.column, ((low, high),)))


def repair(target: Target, *, null: bool = False) -> RepairSpec:
    """One part of a repair, of the last day of January or of rows without a day."""
    by = target.partitioning
    first = None if by is None or null else (date(2026, 1, 31) if by.column == "day" else FROM + timedelta(days=30))
    end = None if first is None else first + timedelta(days=1)
    bounds = ColumnBounds(by.column, ((first, end),) if first else (), has_null=null) if by else None
    names = tuple(column.name for column in target.columns)
    return RepairSpec(
        target, (*names, "theirs"), PIPELINE, 17, BACKUP, first, Doubled(first, (first,), 2, 5).name, bounds, CONTEXT
    )


def tables(target: Target) -> tuple[str, str]:
    """Target and backup, with a column that is not ours and has a type that we know nothing of."""
    theirs = replace(target, columns=(*target.columns, Column("theirs", "GEOGRAPHY")))
    listed = ", ".join(ddl.definition(one) for one in theirs.columns)
    ours = f"CREATE TABLE {BACKUP.quoted} ({listed}, {repairing.PART} STRING, {repairing.KEPT} BOOL)"
    return ddl.create_target(theirs), ours


def statements() -> Iterator[tuple[str, str, Target]]:
    """Name, text and target of each."""
    for name, target in MODES.items():
        yield f"audit_duplicates_{name}", auditing.duplicates(scan(target)), target
        yield f"audit_doubled_{name}", repairing.doubled(scan(target)), target
        yield f"repair_{name}", repairing.remove(repair(target)), target
    for name, target in (("coordinates", payload()), ("keep_by_day", DAILY)):
        yield f"audit_duplicates_{name}_of_a_month", auditing.duplicates(scan(target, bounded=True)), target
    yield "audit_examples", auditing.examples(scan(keep(key=("order_id", "sequence"))), 10), keep()
    yield "audit_covered", auditing.covered(payload(), PIPELINE), payload()
    yield "audit_covered_live", auditing.covered(payload(), PIPELINE, live=True), payload()
    yield "audit_skipped", auditing.skipped(payload(), PIPELINE), payload()
    yield "audit_batches_since", auditing.batches_since(payload(), FROM), payload()
    yield "audit_lost", auditing.lost(payload(), TOPIC), payload()
    yield "audit_shortages", auditing.shortages(scan(payload()), TOPIC, PIPELINE, 1_000, 100), payload()
    yield "audit_strays", auditing.strays(scan(payload(), bounded=True), TOPIC, KNOWN, {0: 7, 3: 0}), payload()
    yield "audit_strays_without_history", auditing.strays(scan(payload()), TOPIC, (), {}), payload()
    yield "repair_null_partition", repairing.remove(repair(DAILY, null=True)), DAILY
    yield "repair_priced", ";\n".join(repairing.priced(repair(payload()))), payload()
    yield "repair_undone", repairing.restore(repair(payload())), payload()
    yield "repair_backed_up", repairing.backed_up(BACKUP.quoted), payload()
