from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.bigquery.__main__ import main
from airflow_kafka_bq.testing.bigquery.emulator import stop_process

COMMAND = [sys.executable, "-m", "airflow_kafka_bq.testing.bigquery", "--port", "0"]


@contextmanager
def running(local: LocalBigQuery, *options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A second front of the same emulator, and its first two lines of output."""
    command = [*COMMAND, "--emulator", local._emulator.url, *options]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    try:
        yield program, [program.stdout.readline().strip() for _ in range(2)]
    finally:
        stop_process(program)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_answers_and_ends_when_it_is_told_to(local: LocalBigQuery, number: signal.Signals) -> None:
    with running(local) as (program, (port, variable)):
        name, url = variable.split("=")
        assert (name, port) == ("BIGQUERY_EMULATOR_HOST", f"port {url.rsplit(':', 1)[1]}")
        assert httpx.get(f"{url}/bigquery/v2/projects/demo/datasets").status_code == 200
        program.send_signal(number)
        assert program.wait(10) == 0


def test_jobs_are_kept_where_it_is_told(local: LocalBigQuery, tmp_path: Path) -> None:
    with running(local, "--state", str(tmp_path)):
        assert list(tmp_path.iterdir())


def test_it_listens_on_another_address_where_it_is_told(local: LocalBigQuery) -> None:
    """As between containers; uploads are led back to the name that the client used."""
    with running(local, "--host", "127.0.0.2") as (_, (_, variable)):
        url = variable.split("=")[1]
        assert url.startswith("http://127.0.0.2:")
        with pytest.raises(httpx.ConnectError):
            httpx.get(url.replace("127.0.0.2", "127.0.0.1"))
        upload = f"{url}/upload/bigquery/v2/projects/demo/jobs?uploadType=resumable"
        named = httpx.post(upload, json={}, headers={"host": "bigquery:9050"}).headers["location"]
        assert named.startswith("http://bigquery:9050/upload/")
        assert httpx.post(upload, json={}).headers["location"].startswith(f"{url}/upload/")


def test_a_port_that_is_no_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bigquery", "--port", "http"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "invalid int value" in capsys.readouterr().err
