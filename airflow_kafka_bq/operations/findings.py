"""Findings: what stands against the promise, why it matters, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

from airflow_kafka_bq.exceptions import IngestError, KafkaUnavailableError, WarehouseUnavailableError
from airflow_kafka_bq.pipeline.job import Job

Severity = Literal["error", "warning", "note"]
T = TypeVar("T")

_WORST_FIRST: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands against the promise.

    :param job: the job file or task, or several; what it says is about them.
    """

    severity: Severity
    job: str
    what: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Right:
    """One permission that a job needs.

    :param service: ``kafka`` or ``bigquery``. :param purpose: what it is needed for.
    :param state: ``allowed``, ``missing``, or ``unchecked`` where nobody tells.
    """

    job: str
    service: str
    resource: str
    right: str
    purpose: str
    state: Literal["allowed", "missing", "unchecked"]


@dataclass(slots=True)
class Visit:
    """One job on the table: what was found, and what could not be."""

    name: str
    job: Job
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    rights: list[Right] = field(default_factory=list)
    unanswered: Counter[str] = field(default_factory=Counter)

    def say(self, severity: Severity, what: str, why: str, remedy: str) -> None:
        """Write a finding down."""
        self.findings.append(Finding(severity, self.name, what, why, remedy))

    def missed(self, error: IngestError) -> None:
        """Note that Kafka or BigQuery did not answer."""
        for kind, service in ((KafkaUnavailableError, "Kafka"), (WarehouseUnavailableError, "BigQuery")):
            self.unanswered[service] += isinstance(error, kind)

    def ask(self, what: str, question: Callable[[], T], *services: str) -> T | None:
        """An answer; where there is none, what was not checked, and why.

        :param services: whom it asks. Who has not answered twice is not asked again: each time takes long.
        """
        if silent := [one for one in services if self.unanswered[one] > 1]:
            self.unchecked.append(f"{what}: {silent[0]} does not answer")
            return None
        try:
            return question()
        except IngestError as error:
            self.missed(error)
            self.unchecked.append(f"{what}: {type(error).__name__}: {error.message}")
            return None


def report(visits: Sequence[Visit], findings: Sequence[Finding], unchecked: Sequence[str] = ()) -> dict[str, Any]:
    """The document: worst first.

    :param findings: of no job alone. :param unchecked: as well.
    """
    every = [*findings, *(one for visit in visits for one in visit.findings)]
    every.sort(key=lambda one: _WORST_FIRST[one.severity])
    unseen = [*unchecked, *(one for visit in visits for one in visit.unchecked)]
    return {
        "healthy": all(one.severity == "note" for one in every),
        "findings": [asdict(one) for one in every],
        "access": [asdict(one) for visit in visits for one in visit.rights],
        "unchecked": list(dict.fromkeys(unseen)),
    }
