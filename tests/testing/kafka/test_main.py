from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from click.testing import CliRunner
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import KafkaBroker
from airflow_kafka_bq.testing.kafka.__main__ import main

COMMAND = [sys.executable, "-m", "airflow_kafka_bq.testing.kafka"]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program and its first line of output."""
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True, start_new_session=True) as program:
        assert program.stdout is not None
        try:
            yield program, program.stdout.readline().strip()
        finally:
            program.kill()


def topics(bootstrap: str) -> dict[str, int]:
    found = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=10).topics
    return {name: len(topic.partitions) for name, topic in found.items()}


@pytest.mark.mock
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_the_bootstrap_string_and_leaves_no_process(number: signal.Signals) -> None:
    with running("--mock", "--brokers", "2", "--topic", "orders:3") as (program, bootstrap):
        assert len(bootstrap.split(",")) == 2
        assert topics(bootstrap) == {"orders": 3}
        children = psutil.Process(program.pid).children()
        assert children
        program.send_signal(number)
        assert program.wait(10) == 0
        gone, left = psutil.wait_procs(children, timeout=5)
        assert (len(gone), left) == (len(children), [])


@pytest.mark.kafka
@pytest.mark.slow
def test_a_real_broker_with_all_listeners_stops_in_the_middle_of_its_start_too() -> None:
    options = ["--sasl", "u:p", "--tls", "--acl", "--topic", "orders:2"]
    with running(*options) as (program, bootstrap):
        assert topics(bootstrap) == {"orders": 2}
        assert program.stdout is not None
        assert program.stdout.readline().startswith("sasl=127.0.0.1:")
        assert "ssl.ca.location=" in program.stdout.readline()
        children = psutil.Process(program.pid).children()
        program.send_signal(signal.SIGTERM)
        assert program.wait(10) == 0
        assert psutil.wait_procs(children, timeout=5)[1] == []
    with subprocess.Popen(COMMAND, start_new_session=True) as early:
        deadline = time.monotonic() + 20
        children = []
        while not children and time.monotonic() < deadline:
            children = psutil.Process(early.pid).children()
            time.sleep(0.02)
        assert children
        early.send_signal(signal.SIGTERM)
        assert early.wait(10) == 0
        assert psutil.wait_procs(children, timeout=5)[1] == []


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--mock", "--tls"], "--mock has no"),
        (["--sasl", "name-alone"], "USER:PASSWORD"),
        (["--topic", "t:many"], "NAME:PARTITIONS"),
        (["--brokers", "0"], "--brokers"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(options: list[str], word: str) -> None:
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert word in result.output


@pytest.mark.slow
def test_a_port_that_is_taken_is_an_error_and_not_a_traceback(kafka: KafkaBroker) -> None:
    port = kafka.bootstrap.split(":")[1]
    done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Address already in use" in done.stderr
    assert "Traceback" not in done.stderr
