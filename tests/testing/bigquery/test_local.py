"""The local BigQuery as a whole: a port that stays, a client that needs no login, and nothing left behind."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from pydantic import ValidationError

from airflow_kafka_bq.testing.bigquery import LocalBigQuery, local
from tests.testing.bigquery.warehouse import Warehouse


def test_a_front_that_is_started_again_is_found_where_it_was(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t AS SELECT 7 AS n")
    before = warehouse.local.url
    warehouse.local.restart_front()
    assert warehouse.local.url == before
    assert warehouse.rows("SELECT n FROM DATASET.t") == [(7,)]


def test_calls_are_told_by_name(warehouse: Warehouse) -> None:
    faults = warehouse.local.faults
    faults.forget_calls()
    warehouse.client.get_dataset(warehouse.dataset)
    assert [call["call"] for call in faults.calls("datasets.get")] == ["datasets.get"]
    assert faults.calls("jobs.insert") == []


def test_a_fault_that_is_none_is_refused_here_and_not_by_the_front(warehouse: Warehouse) -> None:
    with pytest.raises(ValidationError):
        warehouse.local.faults.add("explode")


def test_a_front_of_this_process_cannot_be_killed(warehouse: Warehouse) -> None:
    with pytest.raises(RuntimeError, match="runs in this process"):
        warehouse.local.kill_front()


def test_projects_and_locations_are_the_clients(local: LocalBigQuery) -> None:
    client = local.client("another", location="europe-west1")
    assert (client.project, client.location) == ("another", "europe-west1")
    client.close()


def test_a_front_that_fails_to_start_leaves_no_emulator_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("the port is taken")

    emulator = mock.Mock(url="http://127.0.0.1:1")
    monkeypatch.setattr(local, "Emulator", lambda: emulator)
    monkeypatch.setattr(local, "Front", refuse)
    with pytest.raises(OSError, match="the port is taken"), LocalBigQuery():
        pass
    assert [name for name, _, _ in emulator.method_calls] == ["start", "stop"]


def test_its_files_are_gone_in_the_end(bigquery: LocalBigQuery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "Emulator", lambda: mock.Mock(url=bigquery._emulator.url))  # a second one takes seconds
    with LocalBigQuery(in_process=False) as started:
        state = Path(started._state.name)
        assert list(state.iterdir())
    assert not state.exists()
