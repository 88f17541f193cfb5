"""A job's name is sent again until BigQuery has it, and a name that is taken is attached to."""

from __future__ import annotations

import threading
from typing import Any, cast
from unittest import mock

import pytest
from google.api_core import exceptions as google
from google.cloud import bigquery

from airflow_kafka_bq.bigquery.jobs import Job, Jobs
from airflow_kafka_bq.exceptions import StopRequested, WarehouseUnavailableError


class Client:
    """Knows one job, which becomes visible at the n-th look."""

    def __init__(self, visible_at: int = 1) -> None:
        self.job = mock.create_autospec(bigquery.QueryJob, instance=True)
        self.looks, self._visible_at = 0, visible_at

    def get_job(self, job_id: str, **_: Any) -> Any:
        self.looks += 1
        if self.looks < self._visible_at:
            raise google.NotFound(job_id)
        return self.job


def _jobs(client: Client, stop: threading.Event | None = None, seconds: float = 5.0) -> Jobs:
    return Jobs(cast(bigquery.Client, client), stop or threading.Event(), seconds)


def _sent(client: Client, *answers: Exception | Job, **more: Any) -> tuple[Any, list[float]]:
    waiting, seconds = list(answers), []

    def send(limit: float) -> Job:
        seconds.append(limit)
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return _jobs(client, **more).submit("kafka-bq-merge-b-3-0", "EU", send), seconds


def test_a_request_whose_answer_was_lost_is_sent_again_and_finds_itself() -> None:
    client = Client()
    found, sent = _sent(client, ConnectionError("reset"), google.Conflict("Already Exists: Job"))
    assert found == (client.job, True, None)
    assert len(sent) == 2


def test_a_job_that_is_not_visible_yet_is_waited_for() -> None:
    client = Client(visible_at=3)
    found, _ = _sent(client, google.Conflict("Already Exists: Job"))
    assert (found, client.looks) == ((client.job, True, None), 3)


def test_a_first_submission_is_not_attached() -> None:
    client = Client()
    found, _ = _sent(client, cast(Job, client.job))
    assert (found, client.looks) == ((client.job, False, None), 0)


def test_a_stop_ends_the_waiting_and_an_outage_ends_at_the_deadline_by_name() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(StopRequested):
        _sent(Client(), *[ConnectionError("reset")] * 9, stop=stop)
    with pytest.raises(WarehouseUnavailableError):
        _sent(Client(), *[ConnectionError("reset")] * 99, seconds=0.2)
