"""All the stations know of the world: a Source of messages, a Warehouse for rows, a Registry of schemas.

All raise only errors of ``airflow_kafka_bq.exceptions``. In-memory parts and the real adapters are held to one
contract test suite (``tests/contract``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from airflow_kafka_bq.batch import (
    Absence,
    Delivered,
    JobResult,
    LedgerRow,
    LetterPlace,
    OffsetRange,
    Position,
    Recent,
    RunContext,
    Staged,
    Uncopied,
    Written,
)
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.ports.source import Source
from airflow_kafka_bq.ports.staging_file import StagingFile
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import TableFacts, Target

if TYPE_CHECKING:  # a run looks after nothing
    from airflow_kafka_bq.inspection import Audits, Repairs

__all__ = ["DeadLetterTopic", "MergeSpec", "RegisteredSchema", "Registry", "Source", "StagingFile", "Warehouse"]


@dataclass(frozen=True, slots=True)
class RegisteredSchema:
    """A schema as a registry gives it. ``kind`` is ``AVRO``, ``PROTOBUF`` or ``JSON``.

    ``references`` are name and text of all schemas that it names, each after those that it names itself.
    """

    id: int
    kind: str
    text: str
    references: tuple[tuple[str, str], ...] = ()


class Registry(Protocol):
    """Schemas by their ids.

    Every call has a time limit and ends in ``RegistryUnavailableError`` when it runs out, ``AccessDeniedError`` when
    the registry refuses the login.
    """

    def schema(self, schema_id: int) -> RegisteredSchema | None:
        """The schema with this id; None: there is none."""

    def latest(self, subject: str) -> RegisteredSchema:
        """The latest version of a subject. :raises NotFoundError: there is none."""

    def close(self) -> None:
        """Release connections; never raises."""


class DeadLetterTopic(Protocol):
    """A topic that gets copies of dead letters. One thread uses it."""

    def send(self, copies: pa.Table) -> Delivered:
        """Messages in COPY_SCHEMA, in their order; each answer of the cluster is looked at.

        Ends within a time limit and never raises for what Kafka says: that is in ``error``. What is unknown then may
        still arrive later.
        """

    def close(self) -> None:
        """Release everything within a time limit; never raises."""


@dataclass(frozen=True, slots=True)
class MergeSpec:
    """One transaction: fence, MERGE, dead letters, history."""

    target: Target
    topic: str
    pipeline: str
    staged: Staged
    revision: int | None  # expected revision; None: no ledger (fence="none")
    positions: Mapping[int, Position] | None  # None: an isolated run, the revision alone moves
    context: RunContext
    started_at: datetime


class Warehouse(Protocol):
    """A BigQuery project as far as a job needs it.

    Transient trouble is retried inside with the same job id until a deadline, then ``WarehouseUnavailableError``.
    A job that BigQuery itself ended with an error is returned as a ``JobResult``, not raised.
    """

    @property
    def project(self) -> str | None:
        """Project of the credentials."""

    @property
    def audits(self) -> Audits:
        """Reads that find duplicates and holes."""

    @property
    def repairs(self) -> Repairs:
        """What removes duplicates, and puts them back."""

    def table(self, table: TableId) -> TableFacts | None:
        """What is there, read without lag; None if there is no such table. :raises NotFoundError: no such dataset."""

    def permitted(self, table: TableId, wanted: Sequence[str]) -> frozenset[str] | None:
        """Which of these permissions the login has on a table; None: there is no such table, or nobody tells."""

    def create(self, target: Target) -> None:
        """Create the target unless it exists (DDL)."""

    def add_columns(self, target: Target, names: tuple[str, ...]) -> None:
        """Add these columns of ``target.columns`` unless they exist (one DDL statement)."""

    def relax(self, target: Target, names: tuple[str, ...]) -> None:
        """REQUIRED to NULLABLE."""

    def widen(self, target: Target, columns: tuple[Column, ...]) -> None:
        """Give these columns of the table their new types."""

    def create_ledger(self, target: Target) -> None:
        """Ledger with its sentinel row in one statement, and history, unless they exist."""

    def create_dead_letters(self, target: Target) -> None:
        """Dead-letter table unless it exists."""

    def create_deletes(self, target: Target) -> None:
        """Delete markers, for a target whose tombstones remove rows, unless they exist."""

    def ledger(self, target: Target, pipeline: str) -> LedgerRow | None:
        """A pipeline's row; None if there is none or no ledger. :raises AccountingError: more than one."""

    def register(self, target: Target, row: LedgerRow) -> None:
        """Insert a pipeline's row unless it exists; the sentinel row keeps two creators from both inserting."""

    def place(
        self, target: Target, row: LedgerRow, skipped: Sequence[OffsetRange] = (), by: RunContext | None = None
    ) -> bool:
        """Set positions and identity of an existing row, compare-and-set on ``row.revision``. False: it moved.

        :param skipped: offsets that are moved over; the history gets a row of them, of kind ``seek``, in the same
            transaction: else they would look like messages that a batch forgot.
        :param by: a task; the history gets such a row in any case, so that the task's next try finds it.
        """

    def placed_by(self, target: Target, pipeline: str, by: RunContext) -> bool:
        """Whether the history has a row of kind ``seek`` of this task, in this run of its DAG, whichever try it was."""

    def applied(self, target: Target, batch_id: str, revision: int) -> bool:
        """Whether the history has this batch at the revision it moved the ledger to."""

    def recent(self, target: Target, since: datetime) -> Recent:
        """Batches that were applied since then, by whichever pipeline; none where there is no history yet."""

    def first_read(self, target: Target, pipeline: str) -> Mapping[int, int]:
        """Where live reading of each partition began, as the history has it. :raises NotFoundError: no history."""

    def highest(self, target: Target, facts: TableFacts, topic: str, max_bytes_billed: int | None) -> Mapping[int, int]:
        """The highest offset of each partition that the target, with its coordinates, has a row of.

        :raises CostLimitError: reading the columns would bill more bytes than allowed.
        """

    def letters(
        self,
        target: Target,
        topic: str,
        wanted: LetterSelection,
        after: LetterPlace | None,
        most: int,
        max_bytes_billed: int | None,
    ) -> Iterator[pa.Table]:
        """At most ``most`` dead letters behind ``after`` that wait to be redriven, in the order of their places.

        Pieces in LETTER_SCHEMA, each small enough for memory; all are as they were when the first was asked for.

        :raises NotFoundError: no such table. :raises CostLimitError: reading them would bill more bytes than allowed.
        """

    def create_copied_at(self, target: Target) -> None:
        """The column of the dead-letter table that says which letters were copied, unless it exists."""

    def uncopied(self, target: Target, topic: str) -> Uncopied:
        """Letters of a topic that wait to be redriven and were not copied; nothing of their messages is read."""

    def uncopied_letters(
        self, target: Target, topic: str, found: Uncopied, most: int, max_bytes_billed: int | None
    ) -> Iterator[pa.Table]:
        """At most ``most`` of them, oldest message first, in pieces of UNCOPIED_SCHEMA. Raises as ``letters``."""

    def mark_copied(self, target: Target, topic: str, letters: pa.Table) -> None:
        """Set ``copied_at`` of these letters, found by their coordinates; of those that have it, it stays."""

    def begin_file(self) -> StagingFile:
        """A file for ``load`` that is written while its rows come; it may be dropped."""

    def load(self, job_id: str, table: TableId, written: Written, target: Target, expires_at: datetime) -> JobResult:
        """Load a file's rows into a new staging table that expires; attaches to the job if the id is taken."""

    def row_count(self, table: TableId) -> int | None:
        """Rows of a table; None if it is not there."""

    def note(self, table: TableId) -> str | None:
        """The text of a staging table with one row and the column ``document``; None if it is not there, or empty."""

    def estimate(self, spec: MergeSpec) -> int:
        """Upper bound of the bytes that the MERGE would bill, by dry run of the MERGE alone."""

    def estimate_empty(self, spec: MergeSpec) -> int:
        """The same before anything is staged: the MERGE with a source of no rows, which touches what the bounds say."""

    def merge(self, job_id: str, spec: MergeSpec, max_bytes_billed: int | None) -> JobResult:
        """Run the transaction as one job; attaches to the job if the id is taken."""

    def absent(self, spec: MergeSpec, most: int, max_bytes_billed: int | None) -> Absence:
        """What the rows' MERGE would insert or replace, changing nothing; of a table with Kafka columns.

        :param most: so many examples. :raises CostLimitError: it would bill more bytes than allowed.
        """

    def probe(self, spec: MergeSpec, first_row: int, last_row: int) -> str | None:
        """Convert these staged rows as the MERGE would; BigQuery's message if that fails."""

    def drop(self, table: TableId) -> None:
        """Drop a staging table; never raises."""

    def close(self) -> None:
        """Release connections."""
