"""Findings in one document."""

from __future__ import annotations

from airflow_kafka_bq.exceptions import AccessDeniedError, WarehouseUnavailableError
from airflow_kafka_bq.operations.findings import Finding, Right, Visit, report
from tests.pipeline.world import World


def test_the_worst_comes_first_and_notes_are_no_illness() -> None:
    found = Visit("x", World(1).job())
    found.say("note", "n", "", "")
    assert report([found], [])["healthy"]
    found.say("error", "e", "", "")
    document = report([found, found], [Finding("warning", "x, y", "w", "", "")])
    assert [one["what"] for one in document["findings"]] == ["e", "e", "w", "n", "n"]
    assert not document["healthy"]


def test_what_cannot_be_asked_is_said_once_and_permissions_are_listed() -> None:
    found = Visit("x", World(1).job())

    def refused() -> None:
        raise AccessDeniedError("no")

    assert found.ask("lag", refused) is None
    assert found.ask("answer", lambda: 42) == 42
    found.rights.append(Right("x", "kafka", "topic a", "READ", "every run", "missing"))
    document = report([found, found], [], ["DAGs"])
    assert document["unchecked"] == ["DAGs", "lag: AccessDeniedError: no"]
    assert document["access"][0]["state"] == "missing"
    assert document["healthy"], "a permission is a finding where somebody says so"


def test_who_has_not_answered_twice_is_not_asked_again() -> None:
    """Each question takes as long as it is waited for: a dozen of them would be minutes."""
    found, asked = Visit("x", World(1).job()), []

    def silent() -> None:
        asked.append(1)
        raise WarehouseUnavailableError("nobody there")

    for what in ("table", "ledger", "staging tables"):
        assert found.ask(what, silent, "BigQuery") is None
    assert found.ask("members", lambda: 42, "Kafka") == 42
    assert len(asked) == 2
    assert found.unchecked[-1] == "staging tables: BigQuery does not answer"
