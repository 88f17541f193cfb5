"""Positions that the log does not have, and positions that Kafka has forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import KafkaBroker, MockCluster, wait_until
from tests.end_to_end.elsewhere import oracle_on
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


def _forget(made: Pipe) -> None:
    """Somebody deletes the group."""
    admin = AdminClient({"bootstrap.servers": made.bootstrap})
    admin.delete_consumer_groups([made.group_id], request_timeout=30)[made.group_id].result(40)


@pytest.mark.fault("R2")
def test_a_position_beyond_the_end_is_named(pipe: PipeFactory) -> None:
    """R2, without a ledger: the group's offset was set for another topic, or the topic was cut off."""
    made = pipe(partitions=2)
    made.produce_ten()
    made.commit({0: 0, 1: 1_000})
    failure = made.run()
    assert (failure["error"], failure["topic"]) == ("TopicChangedError", made.topic)
    assert (failure["partition"], failure["offset"]) == (1, 1_000)
    assert "beyond the end" in failure["message"]
    assert made.tables() == set()
    assert made.committed() == {0: 0, 1: 1_000}


@pytest.mark.fault("R2", "R3")
def test_a_ledger_beyond_the_end_is_named_where_no_topic_id_tells(pipe: PipeFactory, mock_cluster: MockCluster) -> None:
    """R2, R3: a cluster without topic ids; the topic was created again, and is smaller."""
    mock_cluster.create_topic("cut-off", 1)
    made = pipe(topic="cut-off", partitions=1)
    made.bootstrap = mock_cluster.bootstrap
    made.write()
    made.produce_ten()
    assert made.run()["outcome"] == "end"
    mock_cluster.delete_topic("cut-off")
    mock_cluster.create_topic("cut-off", 1)
    made.produce([{"n": 1}])
    failure = made.run()
    assert (failure["error"], failure["partition"], failure["offset"]) == ("TopicChangedError", 0, 10)
    assert made.ledger() == {0: 10}


@pytest.mark.fault("R4")
def test_without_a_ledger_a_forgotten_group_is_a_question(pipe: PipeFactory) -> None:
    """R4: by default the run asks, as there are rows; a stated start decides, and no row comes twice."""
    made = pipe(partitions=1, fence="none")
    wanted = made.produce_ten()
    assert made.run()["outcome"] == "end"
    _forget(made)
    failure = made.run()
    assert (failure["error"], failure["group_id"]) == ("PositionConflictError", made.group_id)
    assert made.committed() == {}
    report = made.run("start=earliest")
    assert (report["outcome"], report["messages"], report["rows"]["unchanged"]) == ("end", 10, 10)
    assert made.coordinates() == wanted
    assert made.committed() == {0: 10}


@pytest.mark.fault("R4")
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_offsets_that_expired_come_from_the_ledger(pipe: PipeFactory) -> None:
    """R4 as it happens: no commit for as long as the broker keeps offsets. Who runs in time keeps them."""
    short = {"offsets.retention.minutes": 1, "offsets.retention.check.interval.ms": 500}
    with KafkaBroker(overrides=short) as broker:
        fenced = oracle_on(broker, pipe, table="fenced")
        busy = oracle_on(broker, pipe, table="busy")
        bare = oracle_on(broker, pipe, table="bare", fence="none")
        for oracle in (fenced, busy, bare):
            oracle.produce([{"n": number} for number in range(10)])
            assert oracle.pipe.run()["outcome"] == "end"
        runs: list[dict[str, Any]] = []

        def forgotten() -> bool:
            runs.append(busy.pipe.run())  # nothing to read; it commits again all the same
            return not fenced.pipe.committed() and not bare.pipe.committed()

        wait_until(forgotten, "the end of the offsets", 200)
        assert Counter((one["outcome"], one["messages"]) for one in runs) == {("end", 0): len(runs)}
        assert busy.pipe.committed() == {0: 10}
        assert fenced.settle()["messages"] == 0
        assert bare.pipe.run()["error"] == "PositionConflictError"
