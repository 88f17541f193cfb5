"""Target: create or alter tables, outside the transaction, each step idempotent; then write where the run starts."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from airflow_kafka_bq.batch import Kind, LedgerRow, RunContext, RunPlan
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import SchemaDriftError
from airflow_kafka_bq.pipeline.seen import Seen
from airflow_kafka_bq.ports import Warehouse
from airflow_kafka_bq.schema.difference import difference, refuse_drift
from airflow_kafka_bq.schema.target import TableFacts, Target

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """Tables that are there. ``revision`` is the ledger's now; ``moved`` says that another run was faster."""

    target: Target
    revision: int | None
    moved: bool = False


def ready(config: JobConfig, warehouse: Warehouse, target: Target, seen: Seen, plan: RunPlan, who: RunContext) -> Ready:
    """Bring target, companions and ledger row into being.

    :raises SchemaDriftError: the table's columns and the job's do not fit.
    """
    facts = _ensure(config, warehouse, target, seen.table, _first(plan))
    fitted = fit(target, facts)
    warehouse.create_dead_letters(target)
    if target.delete:
        _ensure_markers(config, warehouse, fitted)
    if plan.revision is None:
        return Ready(fitted, None)
    warehouse.create_ledger(target)
    return _registered(config, warehouse, fitted, facts, seen, plan, who)


def _ensure_markers(config: JobConfig, warehouse: Warehouse, target: Target) -> None:
    """Markers are of one key and one version; those of another say nothing of this job's rows."""
    warehouse.create_deletes(target)
    facts = warehouse.table(target.deletes)
    missing = [one.name for one in target.marker_columns if facts is not None and facts.column(one.name) is None]
    if missing:
        message = f"table {target.deletes} lacks {missing}: it was made for another dedup_key or version"
        remedy = "rename it and run again; a replay may then bring back rows that were deleted before"
        raise SchemaDriftError(message, topic=config.topic, remedy=remedy)


def _first(plan: RunPlan) -> tuple[int, int] | None:
    """Partition and offset of the first message that is to be read; None if nothing is."""
    waiting = [(number, part.start_offset) for number, part in plan.partitions.items() if part.lag > 0]
    return min(waiting, default=None)


def _ensure(
    config: JobConfig,
    warehouse: Warehouse,
    target: Target,
    facts: TableFacts | None,
    first: tuple[int, int] | None,
) -> TableFacts:
    if facts is None:
        if target.of_table:
            raise SchemaDriftError(f"table {target.table}, whose columns count, is gone", remedy="run it again")
        warehouse.create(target)
        facts = _read(warehouse, target)
    return altered(config, warehouse, target, facts, first)


def altered(
    config: JobConfig, warehouse: Warehouse, target: Target, facts: TableFacts, first: tuple[int, int] | None
) -> TableFacts:
    """The table with what the job may change of it; read again, for others may have changed it meanwhile.

    :param facts: the table as it was looked at. :param first: the first message that waits for it.
    :raises SchemaDriftError: it does not fit, before or afterwards.
    """
    found = difference(target, facts, config.schema_update)
    refuse_drift(found, target, config.topic, first)
    for note in found.notes:
        log.warning("table %s: %s", target.table, note)
    if found.add:
        log.info("adding columns %s to %s", list(found.add), target.table)
        warehouse.add_columns(target, found.add)
    if found.relax:
        warehouse.relax(target, found.relax)
    if found.widen:
        log.info("widening %s of %s", {one.name: one.type for one in found.widen}, target.table)
        warehouse.widen(target, found.widen)
    if not (found.add or found.relax or found.widen):
        return facts
    facts = _read(warehouse, target)
    again = difference(target, facts, config.schema_update)
    refuse_drift(again, target, config.topic, first)
    if left := [*again.add, *again.relax, *(one.name for one in again.widen)]:
        message = f"table {target.table} still lacks {left} after it was altered"
        raise SchemaDriftError(message, topic=config.topic)
    return facts


def _read(warehouse: Warehouse, target: Target) -> TableFacts:
    facts = warehouse.table(target.table)
    if facts is None:
        message = f"table {target.table} is not there after it was created"
        raise SchemaDriftError(message, remedy="somebody drops it; run it again")
    return facts


def fit(target: Target, facts: TableFacts | None) -> Target:
    """The target as it is: an existing table's own partitioning and clustering decide which bounds prune.

    :param facts: None: there is no table yet, and it will be as the job wants it.
    """
    if facts is None:
        return target
    there, same = facts.partitioning, target.partitioning == facts.partitioning
    known = there if there and (there.by_ingestion or target.column(there.column)) else None
    holds = target.immutable if same or not target.by_coordinates else False
    return replace(
        target,
        partitioning=known,
        cluster_by=facts.cluster_by,
        immutable=holds and not (known is not None and known.by_ingestion),
    )


def _registered(
    config: JobConfig,
    warehouse: Warehouse,
    target: Target,
    facts: TableFacts,
    seen: Seen,
    plan: RunPlan,
    who: RunContext,
) -> Ready:
    """The first run writes the resolved start of every partition before it consumes: a crash keeps it."""
    live = plan.kind is Kind.LIVE
    row = LedgerRow(
        pipeline=plan.pipeline,
        topic=plan.facts.topic,
        topic_id=plan.facts.topic_id,
        cluster_id=plan.facts.cluster_id,
        group_id=config.group(target.table),
        revision=seen.ledger.revision if seen.ledger else 0,
        batch_id=None,
        job_id=None,
        positions=plan.positions if live else {},
        target_created_at=facts.created_at,
        updated_by=who.who,
    )
    if seen.ledger is None:
        warehouse.register(target, row)
        held = warehouse.ledger(target, plan.pipeline)
        return Ready(target, 0, held is None or not _same_start(row, held, live=live))
    learned = seen.ledger.topic_id is None and row.topic_id is not None  # an older broker tells no ids
    unnamed = seen.ledger.target_created_at is None  # a position that was set before there was a table
    if live and (learned or unnamed or not seen.ledger.positions):
        placed = warehouse.place(target, row)
        return Ready(target, seen.ledger.revision + 1, not placed)
    return Ready(target, seen.ledger.revision)


def _same_start(row: LedgerRow, held: LedgerRow, *, live: bool) -> bool:
    """Whether the row that is there is as good as ours: of two first runs only one writes its own."""
    same = (held.topic_id, held.target_created_at) == (row.topic_id, row.target_created_at)
    return held.revision == 0 and same and (not live or dict(held.positions) == dict(row.positions))
