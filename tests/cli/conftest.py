"""The command line in this process, on Kafka and BigQuery in memory; all between them is the product's own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_kafka_bq import assembly, jobfile
from airflow_kafka_bq.cli import main
from airflow_kafka_bq.testing.memory import MemoryDeadLetterTopic, MemoryWarehouse
from tests.cli.commands import Command, Done, SourceInMemory, write_job
from tests.pipeline.world import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """What job files lead to in this test."""
    made = World(2)
    monkeypatch.setattr(assembly, "KafkaSource", type("Source", (SourceInMemory,), {"world": made}))
    monkeypatch.setattr(
        assembly, "KafkaDeadLetterTopic", lambda _, topic, *__, **___: MemoryDeadLetterTopic(made.cluster, topic)
    )
    monkeypatch.setattr(assembly, "BigQueryWarehouse", lambda *_: MemoryWarehouse(made.database))
    monkeypatch.setattr(jobfile, "connect", lambda *_: None)
    return made


@pytest.fixture
def job(tmp_path: Path) -> str:
    """A job file."""
    return str(write_job(tmp_path))


@pytest.fixture
def kafka_bq(capfd: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """``kafka_bq("run", path)``: the real entry point."""
    log = logging.getLogger("airflow_kafka_bq")
    before = (log.handlers[:], log.level, log.propagate)

    def call(*arguments: str) -> Done:
        capfd.readouterr()
        code: object = 0
        try:
            main(list(arguments))
        except SystemExit as ended:
            code = ended.code
        assert isinstance(code, int)
        return Done(code, *capfd.readouterr())

    yield call
    assert (log.handlers, log.level, log.propagate) == before  # or other tests would log into a closed stream
