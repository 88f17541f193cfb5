"""Stage: a batch into staging tables of its own, by load jobs that can be found again."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import (
    DEAD_LETTER_SCHEMA,
    Decoded,
    Failure,
    Gap,
    Kind,
    RawBatch,
    RunPlan,
    Staged,
    StagedTable,
    Written,
)
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import (
    AccountingError,
    IngestError,
    MergeRejectedError,
    NotFoundError,
    WarehouseUnavailableError,
)
from airflow_kafka_bq.pipeline import bounds, identity
from airflow_kafka_bq.pipeline.letters import outcomes, ranges_of
from airflow_kafka_bq.pipeline.row_files import RowFile
from airflow_kafka_bq.ports import Warehouse
from airflow_kafka_bq.schema.target import Target

log = logging.getLogger(__name__)

ROWS, DEAD = "rows", "dead"  # the two parts of a batch, each with a load job of its own
_FRESH_FAILURES = 5  # of our own submissions; older ones under our ids are stepped over, however many there are


class RowsRejected(Exception):  # a signal between stage and its caller, not an error of the package
    """A load job failed because of its rows, or because of its dead letters."""

    def __init__(self, error: Exception, part: str) -> None:
        super().__init__(str(error))
        self.error = error
        self.part = part


@dataclass(frozen=True, slots=True)
class Stager:
    """What staging needs besides the batch."""

    warehouse: Warehouse
    target: Target
    plan: RunPlan
    fingerprint: str
    expiration_hours: float
    pause: Callable[[float], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def expires_at(self) -> datetime:
        """When BigQuery removes what a dead run left."""
        return self.now() + timedelta(hours=self.expiration_hours)


def stage(stager: Stager, raw: RawBatch, decoded: Decoded) -> Staged:
    """Load rows and dead letters; the load jobs' row counts must be ours.

    :raises RowsRejected: BigQuery does not take a row; see ``bad_rows``.
    :raises AccountingError: a load job reports another number of rows.
    """
    rows, counted = decoded.rows, decoded.rows.num_rows
    letters, ranges = pa.concat_tables([decoded.dead_letters, _lost(raw.gaps)]), raw.ranges
    if stager.plan.kind is Kind.REDRIVE:
        letters, ranges = outcomes(raw.messages, letters), ranges_of(raw.messages)
    parts = {ROWS: _written(stager, decoded), DEAD: written_now(stager, letters)}
    digests = [written.digest for written in parts.values()]
    batch = identity.batch_id(stager.plan, ranges, stager.fingerprint, *digests)
    loaded: dict[str, tuple[StagedTable, ...]] = {ROWS: (), DEAD: ()}
    jobs = []
    for part, written in parts.items():
        if written.rows:
            name, job_id = load(stager, batch, part, written)
            loaded[part] = (StagedTable(str(name), written.rows),)
            jobs.append(job_id)
    return Staged(
        batch_id=batch,
        kind=stager.plan.kind,
        ranges=ranges,
        messages=raw.messages.num_rows,
        rows=counted,
        dead_lettered=decoded.dead_letters.num_rows,
        ignored=decoded.ignored,
        tombstones=pc.sum(rows.column("_tombstone")).as_py() or 0,
        rows_tables=loaded[ROWS],
        dead_letters_tables=loaded[DEAD],
        load_job_ids=tuple(jobs),
        bounds=bounds.of_rows(rows, stager.target, stager.now()) if counted else (),
        dead_letter_bounds=bounds.of_dead_letters(letters) if letters.num_rows else (),
    )


def _written(stager: Stager, decoded: Decoded) -> Written:
    """The file, once it is whole. :raises AccountingError: it holds another number of rows; a bug of ours."""
    if decoded.written is None:
        return written_now(stager, decoded.rows)
    written = decoded.written.result()
    if written.rows != decoded.rows.num_rows:
        raise AccountingError(f"{written.rows} rows were written for a batch of {decoded.rows.num_rows}")
    return written


def written_now(stager: Stager, rows: pa.Table) -> Written:
    """The file of rows that are all there."""
    found = RowFile(stager.warehouse.begin_file())
    found.add(rows)
    return found.whole()


def _lost(gaps: tuple[Gap, ...]) -> pa.Table:
    """Dead letters for ranges that Kafka no longer has."""
    rows = [
        {
            "_kafka_partition": gap.partition,
            "_kafka_offset": gap.start_offset,
            "_kafka_timestamp": datetime(1970, 1, 1, tzinfo=UTC),
            "_kafka_end_offset": gap.end_offset,
            "stage": "lost",
            "reason": "offsets_gone",
            "error": f"offsets {gap.start_offset} to {gap.end_offset - 1} were no longer in Kafka",
        }
        for gap in gaps
    ]
    return pa.Table.from_pylist(rows, DEAD_LETTER_SCHEMA)


def load(stager: Stager, batch: str, part: str, written: Written) -> tuple[TableId, str]:
    """(staging table, job id) of a load that holds exactly these rows."""
    error: Exception = WarehouseUnavailableError(f"no load job of batch {batch} came through", batch_id=batch)
    fresh = 0
    for attempt in itertools.count():
        job_id = identity.load_job(batch, part, attempt)
        table = stager.target.staging(f"{batch}_{part}_{attempt}")
        result = stager.warehouse.load(job_id, table, written, stager.target, stager.expires_at())
        if result.failure is None:
            right = result.destination == str(table) and result.output_rows == written.rows
            if right and (not result.attached or stager.warehouse.row_count(table) == written.rows):
                return table, job_id
            if not result.attached:
                message = (
                    f"load job {job_id} wrote {result.output_rows} rows into {result.destination}, not {written.rows}"
                )
                raise AccountingError(message, batch_id=batch)
            continue  # an older job under our id does not hold our rows any more (expired): the next attempt does
        error = result.error or error
        if result.attached:
            continue
        if result.failure is Failure.BAD_ROWS:
            raise RowsRejected(error, part)
        # A table that expired before its load job ran, while this process slept, is made anew by the next attempt.
        if result.failure is Failure.TERMINAL and not isinstance(error, NotFoundError):
            raise error
        fresh += 1
        if fresh >= _FRESH_FAILURES:
            break
        stager.pause(random.uniform(0.1, 0.3) * 2**fresh)  # noqa: S311  # jitter, not a secret
    raise error


def rejects(stager: Stager, rows: pa.Table) -> Callable[[int, int], str | None]:
    """A probe for ``isolate.find_bad``: loads some of the rows into a scratch table and drops it."""

    def rejected(first: int, last: int) -> str | None:
        part = written_now(stager, rows.slice(first, last - first + 1))
        try:
            table, _ = load(replace(stager, expiration_hours=1), part.digest[:20], "probe", part)
        except RowsRejected as signal:
            found = signal.error
            return found.message if isinstance(found, IngestError) else str(found)
        stager.warehouse.drop(table)
        return None

    return rejected


def unexplained(error: Exception) -> IngestError:
    """The error to raise where no single row explains the rejection."""
    return error if isinstance(error, IngestError) else MergeRejectedError(str(error))
