"""A cluster that does not answer, stays silent, changes its topics."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    KafkaUnavailableError,
)
from airflow_kafka_bq.testing.memory import Killed, MemoryCluster, MemorySource, VirtualClock
from tests.contract.reading import poll_idle, read_to_end

TOPIC, GROUP = "orders", "group"


def committed(source: MemorySource) -> dict[int, int]:
    return {partition: found.position.next_offset for partition, found in source.committed().items()}


def test_nobody_answers(cluster: MemoryCluster, source: MemorySource, clock: VirtualClock) -> None:
    cluster.produce(TOPIC, b"1")
    source.open({0: Position(0)})
    cluster.take_down("refused")
    for call in (source.describe, source.committed, source.group, source.bounds, source.retention_ms):
        with pytest.raises(KafkaUnavailableError):
            call()
    with pytest.raises(KafkaUnavailableError):
        source.commit({0: Position(1)}, "")
    begun = clock.monotonic()
    assert poll_idle(source, 3).rows == []
    assert clock.monotonic() - begun == pytest.approx(0.6)
    assert source.connection_error() == "refused"
    cluster.bring_up()
    assert source.connection_error() == "refused"  # until something comes
    assert read_to_end(source).offsets == {0: [0]}
    assert source.connection_error() is None


def test_silence_and_stalls_are_not_explained(cluster: MemoryCluster, source: MemorySource) -> None:
    for partition in (0, 1):
        cluster.produce(TOPIC, b"1", partition=partition)
    source.open({0: Position(0), 1: Position(0)})
    cluster.silent = True
    assert poll_idle(source).rows == []
    cluster.silent = False
    cluster.stall(TOPIC, 0)
    assert read_to_end(source, 1).offsets == {1: [0]}
    found = poll_idle(source)
    assert (found.rows, found.ends, source.connection_error()) == ([], {}, None)
    assert source.fetch_positions() == {0: 0, 1: 1}
    cluster.unstall(TOPIC, 0)
    assert read_to_end(source).offsets == {0: [0]}


def test_planted_errors_name_what_they_are_about(cluster: MemoryCluster, source: MemorySource) -> None:
    cluster.fail_next("committed", KafkaUnavailableError("not the coordinator"))
    cluster.fail_next("poll", AccessDeniedError("bad password"))
    with pytest.raises(KafkaUnavailableError) as raised:
        source.committed()
    assert (raised.value.topic, raised.value.group_id) == (TOPIC, GROUP)
    assert committed(source) == {}
    with pytest.raises(AccessDeniedError):
        source.poll(1, 0)


@pytest.mark.parametrize(("phase", "expected"), [("before", {}), ("after", {0: 1})])
def test_a_kill_falls_before_or_after_the_commit(
    cluster: MemoryCluster, source: MemorySource, phase: str, expected: dict[int, int]
) -> None:
    def kill(name: str, when: str) -> None:
        assert name == "commit"
        if when == phase:
            raise Killed

    cluster.on_effect = kill
    with pytest.raises(Killed):
        source.commit({0: Position(1)}, "")
    assert committed(source) == expected


def test_a_small_limit_starves_no_partition(cluster: MemoryCluster, source: MemorySource) -> None:
    for partition in (0, 1):
        cluster.produce_all(TOPIC, [b"x"] * 4, partition=partition)
    source.open({0: Position(0), 1: Position(0)})
    first = [source.poll(2, 0).messages.column("partition").to_pylist() for _ in range(2)]
    assert first == [[0, 0], [1, 1]]


def test_a_full_poll_leaves_the_end_for_the_next(cluster: MemoryCluster, source: MemorySource) -> None:
    cluster.produce(TOPIC, b"1")
    source.open({0: Position(0)})
    assert source.poll(1, 0).ends == {}
    assert source.poll(1, 0).ends == {0: 1}
    assert source.poll(1, 0).ends == {}
