"""Holes, truncation, messages without timestamp."""

from __future__ import annotations

from airflow_kafka_bq.batch import Bounds, Position
from airflow_kafka_bq.testing.memory import MemoryCluster, MemorySource
from tests.contract.reading import read_to_end

TOPIC, GROUP = "orders", "group"


def test_compaction_leaves_holes_and_the_log_start(cluster: MemoryCluster, source: MemorySource) -> None:
    for key in (b"a", b"b", b"a", b"a"):
        cluster.produce(TOPIC, key, key=key)
    cluster.compact(TOPIC)
    assert source.bounds()[0] == Bounds(0, 4, 4)
    source.open({0: Position(0)})
    found = read_to_end(source)
    assert (found.offsets, found.ends) == ({0: [1, 3]}, {0: 4})


def test_compaction_drops_what_was_aborted_and_touches_nothing_unstable(
    cluster: MemoryCluster, source: MemorySource
) -> None:
    aborted = cluster.transaction()
    aborted.produce(TOPIC, b"1", key=b"a")
    aborted.abort()
    cluster.produce(TOPIC, b"2", key=b"a")
    still_open = cluster.transaction()
    still_open.produce(TOPIC, b"3", key=b"new")
    cluster.compact(TOPIC)
    assert [record.offset for record in cluster.log(TOPIC, 0).records] == [1, 2, 3]
    still_open.commit()
    source.open({0: Position(0)})
    found = read_to_end(source)
    assert (found.offsets, found.ends) == ({0: [2, 3]}, {0: 5})


def test_a_truncated_log_starts_a_new_epoch(cluster: MemoryCluster, source: MemorySource) -> None:
    cluster.produce_all(TOPIC, [b"1", b"2", b"3"])
    cluster.truncate(TOPIC, 0, 1)
    cluster.produce(TOPIC, b"other 2")
    assert source.bounds()[0].high_watermark == 2
    source.open({0: Position(3)})
    assert read_to_end(source).out_of_range == {0: 3}
    source.open({0: Position(0)})
    assert read_to_end(source).epochs == {0: 1}


def test_a_message_may_carry_no_timestamp(cluster: MemoryCluster, source: MemorySource) -> None:
    cluster.produce(TOPIC, b"1", timestamp_ms=None)
    cluster.create_topic("short", retention_ms=1000)
    source.open({0: Position(0)})
    assert read_to_end(source).rows[0]["timestamp_ms"] is None
    assert MemorySource(cluster, "short", GROUP).retention_ms() == 1000
    assert source.retention_ms() == 7 * 24 * 3600 * 1000
