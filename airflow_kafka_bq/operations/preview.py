"""Preview: what the next run would read, create and merge, without changing anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_kafka_bq.batch import ColumnBounds, Kind, OffsetRange, Position, RunPlan, Staged, StagedTable
from airflow_kafka_bq.bigquery import sql
from airflow_kafka_bq.operations.peek import oldest_unread
from airflow_kafka_bq.operations.schema import alterations
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.markers import check_reach
from airflow_kafka_bq.pipeline.plan import look, plan
from airflow_kafka_bq.pipeline.target import fit
from airflow_kafka_bq.pipeline.window import check_window
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.difference import difference, refuse_drift
from airflow_kafka_bq.schema.target import TableFacts, Target


def preview(job: Job) -> dict[str, Any]:
    """Ranges, lag, tables, the MERGE and its dry-run bytes. Every check of a run is made, and raises as in a run."""
    seen = look(job.config, job.source, job.warehouse, job.target)
    planned = plan(job.config, job.source, job.target, seen)
    check_reach(job.config, job.source, planned, job.now())
    check_window(job.config, planned, job.now())
    create, alter = _tables(job, seen.table)
    target = fit(job.target, seen.table)
    spec = _spec(job, target, planned)
    return {
        "topic": job.config.topic,
        "table": str(target.table),
        "group_id": job.config.group(target.table),
        "kind": str(planned.kind),
        "revision": seen.ledger.revision if seen.ledger else None,
        "lag": planned.lag,
        "partitions": {
            str(number): {
                "start": part.start_offset,
                "end": part.end_offset,
                "lag": part.lag,
                "committed": part.committed,
                "log_start": part.bounds.log_start,
                "high_watermark": part.bounds.high_watermark,
            }
            for number, part in sorted(planned.partitions.items())
        },
        "gaps": [gap.to_json() for gap in planned.gaps],
        "would_create": create,
        "would_alter": alter,
        "merge": sql.merge_rows(spec),
        # Without rows there is no MERGE, and without bounds its estimate would be the whole table.
        "estimated_bytes": job.warehouse.estimate_empty(_priced(spec, create)) if seen.table and planned.lag else 0,
        "unchecked": list(planned.unchecked),
        **({"members": [f"{one.client_id} at {one.host}" for one in seen.group.members]} if job.config.joins else {}),
    }


def _tables(job: Job, facts: TableFacts | None) -> tuple[list[str], list[str]]:
    target = job.target
    companions = [target.dead_letters, *([target.deletes] if target.delete else [])]
    if job.config.fence == "ledger":
        companions += [target.ledger, target.history]
    create = [str(one) for one in companions if job.warehouse.table(one) is None]
    if facts is None:
        return [str(target.table), *create], []
    found = difference(target, facts, job.config.schema_update)
    refuse_drift(found, target, job.config.topic)
    return create, alterations(target, found)


def _priced(spec: MergeSpec, create: list[str]) -> MergeSpec:
    """Without delete markers where there are none yet: they cost nothing, and a dry run would not find their table."""
    unmarked = str(spec.target.deletes) in create
    return replace(spec, target=replace(spec.target, delete=False)) if unmarked else spec


def _spec(job: Job, target: Target, planned: RunPlan) -> MergeSpec:
    """The MERGE as a run would send it; offsets are known, and the days reach from the oldest unread message to now."""
    ranges = tuple(
        OffsetRange(part.partition, part.start_offset, part.end_offset)
        for part in planned.partitions.values()
        if part.lag > 0
    )
    staged = Staged(
        batch_id="preview",
        kind=planned.kind,
        ranges=ranges,
        messages=planned.lag,
        rows=max(1, planned.lag),
        dead_lettered=0,
        ignored=0,
        tombstones=0,
        rows_tables=(StagedTable(str(target.staging("preview")), max(1, planned.lag)),),
        dead_letters_tables=(),
        load_job_ids=(),
        bounds=_bounds(job, target, ranges),
    )
    moved = planned.positions if planned.kind is Kind.LIVE else None
    return MergeSpec(
        target, job.config.topic, planned.pipeline, staged, planned.revision, moved, job.context, datetime.now(UTC)
    )


def _bounds(job: Job, target: Target, ranges: tuple[OffsetRange, ...]) -> tuple[ColumnBounds, ...]:
    if not target.by_coordinates or not ranges:
        return ()
    partition = target.partitioning
    first, behind = min(one.start_offset for one in ranges), max(one.end_offset for one in ranges)
    half_open = partition is not None and partition.column == "_kafka_offset"
    found = [
        ColumnBounds("_kafka_partition", (), tuple(one.partition for one in ranges)),
        ColumnBounds("_kafka_offset", ((first, behind if half_open else behind - 1),)),
    ]
    if partition and partition.column == "_kafka_timestamp":
        at = {one.partition: Position(one.start_offset) for one in ranges}
        oldest = min(oldest_unread(job.source, at).values(), default=None)
        if oldest is not None:
            low = oldest.replace(hour=0, minute=0, second=0, microsecond=0)
            high = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            found.append(ColumnBounds(partition.column, ((low, max(high, low + timedelta(days=1))),)))
    return tuple(found)
