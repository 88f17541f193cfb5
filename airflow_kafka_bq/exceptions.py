"""What can go wrong, sorted by whether running again helps.

::

    IngestError
    ├─ TransientError       run it again: Airflow retries; exit 4
    │  ├─ KafkaUnavailableError · StalledError · PartitionsLostError · RegistryUnavailableError
    │  └─ WarehouseUnavailableError · MergeConflictError
    └─ TerminalError        a person must act: Airflow fails without retry; exit 3 (ConfigError: 2)
       ├─ ConfigError · GroupInUseError · PositionConflictError
       ├─ NotFoundError · AccessDeniedError
       ├─ OffsetGapError · TopicChangedError · TargetChangedError · BadMessagesError
       └─ SchemaDriftError · CostLimitError · MergeRejectedError · AccountingError

``docs/errors.md`` is made of the docstrings.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self


class IngestError(Exception):
    """Root of all errors of this package.

    :param message: what happened, in one sentence, with the value that was wrong.
    :param topic: Kafka topic, where one is meant. :param partition: partition number.
    :param offset: offset in that partition.
    :param group_id: consumer group.
    :param batch_id: identity of the batch that was under way.
    :param remedy: what a person can do about it; None: what usually helps.
    """

    exit_code: ClassVar[int] = 3
    _FIELDS: ClassVar[tuple[str, ...]] = ("topic", "partition", "offset", "group_id", "batch_id", "remedy")

    def __init__(
        self, message: str, *, topic: str | None = None, partition: int | None = None, offset: int | None = None,
        group_id: str | None = None, batch_id: str | None = None, remedy: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.message = message
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.group_id = group_id
        self.batch_id = batch_id
        self.remedy = remedy or self._usual_remedy()  # others' words say what happened, never what to do
        self.report: dict[str, Any] | None = None  # of the run that failed, so far

    def _usual_remedy(self) -> str | None:
        return " ".join((self.__doc__ or "").partition("Remedy: ")[2].split()).rstrip(".") or None

    def located(self, **context: Any) -> Self:
        """Fill fields that are still unknown; what the raiser said stays."""
        for name, value in context.items():
            if getattr(self, name) is None:
                setattr(self, name, value)
        return self

    def __str__(self) -> str:
        where = [f"{name}={getattr(self, name)}" for name in self._FIELDS[:-1] if getattr(self, name) is not None]
        text = self.message + (f" [{', '.join(where)}]" if where else "")
        return f"{text} Remedy: {self.remedy}" if self.remedy else text

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only fields are lost by the default pickling of exceptions, which Airflow and process pools use.
        fields = {name: getattr(self, name) for name in self._FIELDS}
        return (_rebuild, (type(self), self.message, fields, self.report))

    def to_json(self) -> dict[str, Any]:
        """The failure as the command line prints it with ``--json``."""
        fields = {name: getattr(self, name) for name in self._FIELDS}
        return {"error": type(self).__name__, "message": self.message, **fields, "report": self.report}


def _rebuild(
    kind: type[IngestError], message: str, fields: dict[str, Any], report: dict[str, Any] | None
) -> IngestError:
    error = kind(message, **fields)
    error.report = report
    return error


class StopRequested(Exception):  # not an error: somebody asked the run to stop
    """The run was asked to stop; nothing further is merged or committed, and the next run goes on from here."""


class TransientError(IngestError):
    """Run it again."""

    exit_code = 4


class KafkaUnavailableError(TransientError):
    """No broker or no coordinator answers, or a request ran into its time limit.

    Raised when: a request to Kafka got no answer in time, or fetching stood still while the client
    complained about connections. Codes that nobody sorted count as this, and are logged.
    Remedy: look at the brokers and the network between; run it again.
    """


class StalledError(TransientError):
    """Messages were outstanding, and neither messages nor the fetch position moved for too long.

    Raised when: nothing moved for ``stall_timeout_seconds``, and the client complained about nothing; or another member
    of the group holds partitions and does not read them.
    Remedy: look at the partition's leader, or at the members of the group; run it again.
    """


class PartitionsLostError(TransientError):
    """The consumer group put a run out that had joined it (``assignment: subscribe``).

    Raised when: it did not poll within ``max.poll.interval.ms``, no heart-beat came within ``session.timeout.ms``, or
    another has its ``group.instance.id``. Before a MERGE the batch is dropped; behind it the rows are in the table.
    Remedy: run it again; raise these limits, or use ``assignment: assign``, which nobody can put out.
    """


class RegistryUnavailableError(TransientError):
    """The schema registry does not answer, or is out of order.

    Raised when: it gave no answer in time, or one of trouble of its own. An unknown id is a bad message instead.
    Remedy: look at the registry and the network between; run it again.
    """


class WarehouseUnavailableError(TransientError):
    """BigQuery did not answer, or refused for quota or an internal error, until the deadline.

    Raised when: BigQuery did not answer, was over quota or out of order; or the staging tables of a batch
    expired before its MERGE. Reasons that nobody sorted count as this, and are logged.
    Remedy: run it again; for a quota, later.
    """


class MergeConflictError(TransientError):
    """Other writers of the same target moved the ledger, or cancelled our transaction, too often.

    Raised when: a batch, or a run that planned anew, lost five times against other writers of the target.
    Remedy: let one task write the table at a time; run it again.
    """


class TerminalError(IngestError):
    """A person must act first; running again would fail in the same way."""


class ConfigError(TerminalError):
    """A parameter, a setting of a connection, or a job file is wrong.

    Raised when: a value, a combination of parameters, the model, ``transform`` or ``filter`` cannot be used.
    Remedy: mend what the message names; it says what is taken.
    """

    exit_code = 2


class GroupInUseError(TerminalError):
    """The consumer group has members, or positions, that are not ours.

    Raised when: the group has live members, positions of another topic, or commits of a job with another
    target. At the commit, the rows are in the table already.
    Remedy: stop the other consumers, or give the job a ``group_id`` of its own.
    """


class PositionConflictError(TerminalError):
    """Ledger, committed offsets and the start policy contradict each other.

    Raised when: somebody moved the group ahead of the ledger; or no position is known, and ``start`` refuses
    to choose one.
    Remedy: set the group back, or move the ledger on purpose; or state another ``start``.
    """


class NotFoundError(TerminalError):
    """A topic, a dataset, or the model that a job file names does not exist.

    Raised when: a topic, partition, dataset or Python name is not there. None of them is created.
    Remedy: create it, or mend the name.
    """


class AccessDeniedError(TerminalError):
    """Login or permission refused by Kafka, a registry or Google.

    Raised when: a login, certificate or token is refused, a permission is missing, or billing is disabled.
    Remedy: mend the credentials, or grant what the message names.
    """


class OffsetGapError(TerminalError):
    """Kafka no longer has messages that were not read yet.

    Raised when: the position lies below the start of the log, or retention took messages during the run.
    Remedy: restore the data; or set ``on_gap`` to ``record``, which notes the loss and goes on.
    """


class TopicChangedError(TerminalError):
    """The topic was re-created or truncated since the position was written.

    Raised when: the topic has another id or fewer partitions, or is gone while it is read, or its log ends below the
    position.
    Remedy: find out which messages are meant, then place the position on purpose.
    """


class TargetChangedError(TerminalError):
    """The target table was dropped or re-created since the ledger was written.

    Raised when: the table is gone or has another creation time, or the ledger's row is gone.
    Remedy: restore or create the table, then accept it on purpose and decide what it is filled with.
    """


class BadMessagesError(TerminalError):
    """More messages could not be used than the job allows.

    Raised when: ``max_bad_ratio`` or ``max_bad_messages`` is passed, ``on_bad_message`` is ``fail``, a record is
    damaged, or BigQuery rejects more than a hundred rows of a batch. The batch is not merged.
    Remedy: mend the producer or the model; or allow more.
    """


class SchemaDriftError(TerminalError):
    """The target's columns and the job's columns do not fit, and the policy forbids to change them.

    Raised when: a column is missing, of another type or too strict. Nothing was staged.
    Remedy: change the table or the model, or allow more with ``schema_update``.
    """


class CostLimitError(TerminalError):
    """The MERGE would bill more bytes than allowed; nothing was spent.

    Raised when: the dry run says more than ``max_bytes_billed``, or BigQuery stopped the job at that limit.
    Remedy: let the MERGE prune, or raise ``max_bytes_billed``.
    """


class MergeRejectedError(TerminalError):
    """BigQuery refused a load job or MERGE for a reason that running again does not cure.

    Raised when: BigQuery refuses, and no row is to blame; or a batch contradicts ``partition_immutable``.
    Remedy: read BigQuery's reason in the message; mend the table, the model or the promise.
    """


class AccountingError(TerminalError):
    """Messages read and rows accounted for differ.

    Raised when: before the MERGE, a message is neither row nor dead letter nor ignored, a load job wrote
    another number of rows, or the ledger has a row twice; after it, BigQuery counts more changed rows than
    were staged, or does not show the batch that it applied.
    Remedy: report it with the log; of a doubled ledger row, keep the one with the greatest revision.
    """
