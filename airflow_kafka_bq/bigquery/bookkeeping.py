"""What each batch's transaction does besides its rows: the fence, the checks, the history. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_kafka_bq.batch import Kind
from airflow_kafka_bq.bigquery import letters
from airflow_kafka_bq.bigquery.literals import literal, positions, ranges, strings, text
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.target import MARKER_SLACK, Target

MOVED = "kafka-bq: ledger moved"
MISSING = "kafka-bq: ledger row missing or doubled"
UNSTAGED = "kafka-bq: staging table does not hold the batch"
LATE = "kafka-bq: delete markers may have expired since this window was planned"


# UPDATE `p.d.t__ledger`
# SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), batch_id = '…', job_id = '…',
#     positions = ARRAY<STRUCT<…>>[(0, 3000, 0)], updated_at = CURRENT_TIMESTAMP(), updated_by = '…'
# WHERE pipeline = '…';
def fence(spec: MergeSpec, job_id: str) -> list[str]:
    """Compare-and-set of the revision. An isolated run moves nothing else."""
    if spec.revision is None:
        return []
    moved = ""
    if spec.positions is not None:
        moved = f"batch_id = {text(spec.staged.batch_id)}, job_id = {text(job_id)}, "
        moved += f"positions = {positions(spec.positions)}, "
    who = f"updated_at = CURRENT_TIMESTAMP(), updated_by = {text(spec.context.who)}"
    return [fenced(spec.target, spec.pipeline, spec.revision, f"{moved}{who}")]


def fenced(target: Target, pipeline: str, revision: int, rest: str) -> str:
    """The statement that moves the revision on, or raises; ``rest`` is what else it sets."""
    return (
        f"UPDATE {target.ledger.quoted}\nSET revision = IF(revision = {revision}, {revision + 1}, "
        f"CAST(ERROR({text(MOVED)}) AS INT64)), {rest}\nWHERE pipeline = {text(pipeline)}"
    )


# SELECT IF((SELECT COUNT(*) FROM `p.d.t__ledger` WHERE pipeline = '…' AND revision = 18) = 1, 1,
#           CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS pipelines,
#   IF((SELECT COUNT(*) FROM `p.d.t__stg_…_rows_0`) = 12000, 1, CAST(ERROR('…') AS INT64)) AS staged_rows, …
def checks(spec: MergeSpec) -> list[str]:
    """What must be so inside the transaction; one statement, since each costs a child job.

    A staging table that expired while its writer slept may be made anew, empty, by a run of the same batch: merged
    from it, the position would move over rows that never came.
    """
    staged, found = spec.staged, []
    if spec.revision is not None:
        found.append(there_once(spec.target, spec.pipeline, spec.revision + 1))
    if spec.target.delete and spec.positions is None:  # a run that slept since: see pipeline.markers
        until = literal(spec.started_at + MARKER_SLACK)
        found.append(f"IF(CURRENT_TIMESTAMP() < {until}, 1, CAST(ERROR({text(LATE)}) AS INT64)) AS in_time")
    for name, tables in (("staged_rows", staged.rows_tables), ("staged_letters", staged.dead_letters_tables)):
        for number, one in enumerate(tables):
            column = f"{name}_{number}" if number else name
            found.append(_counted(TableId.parse(one.table).quoted, f"= {one.rows}", UNSTAGED, column))
    if staged.dead_letters_tables and staged.kind is Kind.REDRIVE:
        found.append(_counted(letters.waiting(spec), f"= {staged.messages}", letters.MOVED, "letters"))
    return ["SELECT " + ",\n  ".join(found)] if found else []


def there_once(target: Target, pipeline: str, revision: int) -> str:
    """What raises unless the ledger has one row of the pipeline, at this revision."""
    there = f"{target.ledger.quoted} WHERE pipeline = {text(pipeline)} AND revision = {revision}"
    return _counted(there, "= 1", MISSING, "pipelines")


def _counted(where: str, wanted: str, message: str, name: str) -> str:
    return f"IF((SELECT COUNT(*) FROM {where}) {wanted}, 1, CAST(ERROR({text(message)}) AS INT64)) AS {name}"


# INSERT INTO `p.d.t__batches` (pipeline, revision, …) VALUES ('…', 18, …)
def history(spec: MergeSpec, job_id: str) -> str:
    """One row per applied batch, in the batch's own transaction."""
    assert spec.revision is not None  # noqa: S101
    staged, context = spec.staged, spec.context
    row = {
        "pipeline": text(spec.pipeline),
        "revision": literal(spec.revision + 1),
        "batch_id": text(staged.batch_id),
        "kind": text(staged.kind),
        "ranges": ranges(staged.ranges),
        "messages": literal(staged.messages),
        "rows_staged": literal(staged.rows),
        "dead_lettered": literal(staged.dead_lettered),
        "ignored": literal(staged.ignored),
        "load_job_ids": strings(staged.load_job_ids),
        "merge_job_id": text(job_id),
        **{name: literal(value) for name, value in context.task.items()},
        "started_at": literal(spec.started_at),
        "applied_at": "CURRENT_TIMESTAMP()",
    }
    return inserted(spec.target, row)


def inserted(target: Target, row: Mapping[str, str]) -> str:
    """A row of the history; names and literals of its columns."""
    return f"INSERT INTO {target.history.quoted} ({', '.join(row)})\nVALUES ({', '.join(row.values())})"
