"""What can go wrong, sorted by whether running again helps.

::

    IngestError
    ├─ TransientError       run it again: Airflow retries; exit 4
    │  ├─ KafkaUnavailableError · StalledError · PartitionsLostError
    │  └─ WarehouseUnavailableError · MergeConflictError
    └─ TerminalError        a person must act: Airflow fails without retry; exit 3 (ConfigError: 2)
       ├─ ConfigError · GroupInUseError · PositionConflictError
       ├─ NotFoundError · AccessDeniedError
       ├─ OffsetGapError · TopicChangedError · TargetChangedError · BadMessagesError
       └─ SchemaDriftError · CostLimitError · MergeRejectedError · AccountingError
"""

from __future__ import annotations

from typing import Any, ClassVar, Self


class IngestError(Exception):
    """Root of all errors of this package.

    :param message: what happened, in one sentence, with the value that was wrong.
    :param topic: Kafka topic, where one is meant.
    :param partition: partition number.
    :param offset: offset in that partition.
    :param group_id: consumer group.
    :param batch_id: identity of the batch that was under way.
    :param remedy: what a person can do about it.
    """

    exit_code: ClassVar[int] = 3
    _FIELDS: ClassVar[tuple[str, ...]] = ("topic", "partition", "offset", "group_id", "batch_id", "remedy")

    def __init__(
        self,
        message: str,
        *,
        topic: str | None = None,
        partition: int | None = None,
        offset: int | None = None,
        group_id: str | None = None,
        batch_id: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.group_id = group_id
        self.batch_id = batch_id
        self.remedy = remedy
        self.report: dict[str, Any] | None = None  # of the run that failed, so far

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
    """No broker or no coordinator answers, or a request ran into its time limit."""


class StalledError(TransientError):
    """Messages were outstanding, and neither messages nor the fetch position moved for too long."""


class PartitionsLostError(TransientError):
    """Partitions were revoked or lost while a batch was under way."""


class WarehouseUnavailableError(TransientError):
    """BigQuery did not answer, or refused for quota or an internal error, until the deadline."""


class MergeConflictError(TransientError):
    """Other writers of the same target moved the ledger, or cancelled our transaction, too often."""


class TerminalError(IngestError):
    """A person must act first; running again would fail in the same way."""


class ConfigError(TerminalError):
    """A parameter, a setting of a connection, or a job file is wrong."""

    exit_code = 2


class GroupInUseError(TerminalError):
    """The consumer group has members, or positions, that are not ours."""


class PositionConflictError(TerminalError):
    """Ledger, committed offsets and the start policy contradict each other."""


class NotFoundError(TerminalError):
    """A topic, a dataset, or the model that a job file names does not exist."""


class AccessDeniedError(TerminalError):
    """Login or permission refused by Kafka, a registry or Google."""


class OffsetGapError(TerminalError):
    """Kafka no longer has messages that were not read yet."""


class TopicChangedError(TerminalError):
    """The topic was re-created or truncated since the position was written."""


class TargetChangedError(TerminalError):
    """The target table was dropped or re-created since the ledger was written."""


class BadMessagesError(TerminalError):
    """More messages could not be used than the job allows."""


class SchemaDriftError(TerminalError):
    """The target's columns and the job's columns do not fit, and the policy forbids to change them."""


class CostLimitError(TerminalError):
    """The MERGE would bill more bytes than allowed; nothing was spent."""


class MergeRejectedError(TerminalError):
    """BigQuery refused a load job or MERGE for a reason that running again does not cure."""


class AccountingError(TerminalError):
    """Messages read and rows accounted for differ; nothing was applied."""
