"""What every Source promises about offsets and the times of their messages. Held by ``test_source_*``."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.contract.source_contract import needs
from tests.contract.source_world import READ_COMMITTED, TIMES, SourceWorld


def recent_ms() -> int:
    """A whole second ten minutes ago: a broker deletes what is older than its retention and refuses the future."""
    return (int(time.time()) - 600) * 1000


class Times:
    """Offsets by time, and times by offset."""

    def test_times_become_offsets(self, world: SourceWorld, group_id: str) -> None:
        needs(world, TIMES)
        topic, base_ms = world.topic(2), recent_ms()
        world.produce(
            topic, *[NewMessage(b"x", partition=0, timestamp_ms=base_ms + after) for after in (0, 2000, 1000)]
        )
        source, base = world.source(topic, group_id), datetime.fromtimestamp(base_ms / 1000, UTC)
        asked = {-1000.0: 0, 0.0: 0, 0.0001: 1, 1.5: 1, 2.0: 1, 2.001: 3}
        found = {seconds: source.offsets_at(base + timedelta(seconds=seconds)) for seconds in asked}
        assert found == {seconds: {0: offset, 1: 0} for seconds, offset in asked.items()}
        world.delete_records(topic, 0, 1)
        assert source.offsets_at(base) == {0: 1, 1: 0}

    def test_offsets_become_times(self, world: SourceWorld, group_id: str) -> None:
        needs(world, TIMES)
        topic, base_ms = world.topic(2), recent_ms()
        after = [0, 7, 8, 500, 90_000, 90_001, 90_002, 3_600_000]
        world.produce(topic, *[NewMessage(b"x", partition=0, timestamp_ms=base_ms + one) for one in after])
        source = world.source(topic, group_id)
        for offset, one in enumerate(after):
            assert source.times_at({0: offset, 1: 0}) == {0: base_ms + one}
        world.delete_records(topic, 0, 3)
        assert source.times_at({0: 1}) == {0: base_ms + 500}

    def test_where_times_go_back_the_greatest_before_counts(self, world: SourceWorld, group_id: str) -> None:
        needs(world, TIMES)
        topic, base_ms = world.topic(), recent_ms()
        after = [0, 9000, 1000, 9000, 9500]
        world.produce(topic, *[NewMessage(b"x", partition=0, timestamp_ms=base_ms + one) for one in after])
        found = world.source(topic, group_id).times_at
        assert [found({0: offset})[0] - base_ms for offset in range(5)] == [0, 9000, 9000, 9000, 9500]

    def test_times_do_not_look_into_open_transactions(self, world: SourceWorld, group_id: str) -> None:
        needs(world, TIMES, READ_COMMITTED)
        topic = world.topic()
        world.produce(topic, NewMessage(b"1", partition=0, timestamp_ms=recent_ms()))
        source = world.source(topic, group_id)
        later = datetime.fromtimestamp(recent_ms() / 1000 + 60, UTC)
        late = NewMessage(b"3", partition=0, timestamp_ms=recent_ms() + 120_000)
        with world.begin(topic, NewMessage(b"2", partition=0, timestamp_ms=recent_ms()), late):
            assert source.offsets_at(later) == {0: 1}  # the last stable offset, though message 2 would be the answer
            assert source.bounds()[0].high_watermark == 3
