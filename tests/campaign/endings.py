"""How a run may end while faults are about: as asked, or with an error that has a name."""

from __future__ import annotations

import signal
from collections.abc import Collection
from typing import Any

from airflow_kafka_bq import exceptions
from airflow_kafka_bq.exceptions import IngestError, TransientError
from tests.campaign.processes import Ending, Run

_STOPPED = {128 + signal.SIGTERM, 128 + signal.SIGINT}


def error_of(document: dict[str, Any]) -> type[IngestError] | None:
    """The class that a failure names; None where it names none of ours."""
    found = getattr(exceptions, str(document.get("error")), None)
    return found if isinstance(found, type) and issubclass(found, IngestError) else None


def is_named(document: dict[str, Any], terminal: Collection[str]) -> bool:
    """Whether it is an error to run again from, or one of these that need a person; and says where.

    :param terminal: names of errors that the faults of the round explain.
    """
    error = error_of(document)
    if error is None or not document.get("message") or not document.get("topic"):
        return False
    return issubclass(error, TransientError) or error.__name__ in terminal


def word_of(ending: Ending) -> str:
    """For the figures: outcome, error, or signal."""
    if ending.code < 0:
        return signal.Signals(-ending.code).name
    document = ending.document or {}
    return str(document.get("outcome") or document.get("error") or f"exit {ending.code}")


def trouble_with(run: Run, ending: Ending, action: str | None, terminal: Collection[str]) -> str | None:
    """What is wrong with the way a run ended; None if nothing is.

    :param action: what struck it.
    :param terminal: as for :func:`is_named`.
    """
    if "Traceback (most recent call last)" in ending.words and run.kind == "command":
        return f"a traceback: {ending.words}"
    if ending.code == -signal.SIGKILL and action == "kill":
        return None
    document = ending.document
    # Before there are handlers, and in `dag.test()`, which has none, the system ends the process.
    began = run.kind == "child" and (document is not None or bool(ending.words))
    if ending.code == -signal.SIGTERM and action == "term" and not began:
        return None
    if document is None:
        return f"it ended with {ending.code} and said nothing: {ending.words}"
    if "outcome" in document:
        good = {"end", "limit", "window"} | ({"stopped"} if action == "term" else set())
        codes = {0} | (_STOPPED if document["outcome"] == "stopped" else set())
        return None if document["outcome"] in good and ending.code in codes else f"{document['outcome']}, {ending.code}"
    if not is_named(document, terminal):
        return f"I5: {document} {ending.words}"
    error = error_of(document)
    assert error is not None
    codes = {0} if run.kind == "child" else {1} if run.kind == "task" else {error.exit_code}
    codes |= _STOPPED if action == "term" and run.kind == "command" else set()
    return None if ending.code in codes else f"{document['error']} with exit code {ending.code}"
