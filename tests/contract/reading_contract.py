"""What every Source promises about reading. Held by ``test_source_*``."""

from __future__ import annotations

from airflow_kafka_bq.batch import RAW_SCHEMA, Position
from airflow_kafka_bq.testing.kafka import NewMessage
from tests.contract.reading import Read, poll_idle, read, read_to_end
from tests.contract.source_contract import needs
from tests.contract.source_world import READ_COMMITTED, SourceWorld
from tests.contract.times_contract import recent_ms


class Reading:
    """Messages, events, positions."""

    def test_messages_arrive_whole(self, world: SourceWorld, group_id: str) -> None:
        topic, base_ms = world.topic(), recent_ms()
        headers = (("a", b"1"), ("a", None), ("ü", b"\x00\xff"))
        world.produce(
            topic,
            NewMessage(b'{"id": 1}', b"key", headers, 0, base_ms + 123),
            NewMessage(None, b"gone", (), 0, base_ms + 124),
            NewMessage(b"", b"", (("empty", b""),), 0, base_ms),
            NewMessage(b"\x00\xff\n", None, (), 0, base_ms + 9),
        )
        source = world.source(topic, group_id)
        source.open({0: Position(0)})
        assert source.poll(1, 5.0).messages.schema == RAW_SCHEMA
        source.open({0: Position(0)})
        found = read_to_end(source).rows
        named = [{"key": name, "value": value} for name, value in headers]
        names = ("partition", "offset", "timestamp_ms", "key", "value", "headers")
        assert [tuple(row[name] for name in names) for row in found] == [
            (0, 0, base_ms + 123, b"key", b'{"id": 1}', named),
            (0, 1, base_ms + 124, b"gone", None, None),
            (0, 2, base_ms, b"", b"", [{"key": "empty", "value": b""}]),
            (0, 3, base_ms + 9, None, b"\x00\xff\n", None),
        ]

    def test_reading_starts_exactly_where_it_is_told(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic(3)
        world.produce(topic, *[NewMessage(b"x", partition=number % 3) for number in range(30)])
        source = world.source(topic, group_id)
        source.open({0: Position(7), 2: Position(10)})
        found = read_to_end(source, 0, 2)
        assert found.offsets == {0: [7, 8, 9]}
        assert found.ends == {0: 10, 2: 10}

    def test_an_empty_partition_tells_its_end(self, world: SourceWorld, group_id: str) -> None:
        source = world.source(world.topic(2), group_id)
        source.open({0: Position(0), 1: Position(0)})
        assert read_to_end(source, 0, 1).ends == {0: 0, 1: 0}

    def test_the_end_lies_behind_a_commit_marker(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.transact(topic, b"1", b"2", outcome="commit")
        source = world.source(topic, group_id)
        source.open({0: Position(0)})
        found = read(source, lambda seen: seen.ends.get(0) == 3)
        assert found.offsets == {0: [0, 1]}

    def test_the_end_lies_behind_an_aborted_tail(self, world: SourceWorld, group_id: str) -> None:
        needs(world, READ_COMMITTED)
        topic = world.topic()
        world.transact(topic, b"1", outcome="commit")
        world.transact(topic, b"2", b"3", outcome="abort")
        source = world.source(topic, group_id)
        source.open({0: Position(0)})
        found = read(source, lambda seen: seen.ends.get(0) == 5)
        assert found.offsets == {0: [0]}

    def test_nothing_behind_an_open_transaction_is_read(self, world: SourceWorld, group_id: str) -> None:
        needs(world, READ_COMMITTED)
        topic = world.topic()
        world.produce(topic, b"1")
        source = world.source(topic, group_id)
        with world.begin(topic, b"2") as transaction:
            world.produce(topic, b"3")
            source.open({0: Position(0)})
            found = read_to_end(source)
            assert (found.offsets, found.ends) == ({0: [0]}, {0: 1})
            assert poll_idle(source).rows == []
            transaction.commit()
        found = read(source, lambda seen: seen.ends.get(0) == 4)
        assert found.offsets == {0: [1, 2]}

    def test_read_uncommitted_reads_all_messages_but_no_marker(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.transact(topic, b"1", outcome="abort")
        with world.begin(topic, b"2"):
            source = world.source(topic, group_id, "read_uncommitted")
            source.open({0: Position(0)})
            found = read(source, lambda seen: seen.ends.get(0) == 3)
        assert found.offsets == {0: [0, 2]}

    def test_a_position_in_front_of_the_log_is_out_of_range(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic(2)
        world.produce(topic, b"1", b"2", b"3", NewMessage(b"x", partition=1))
        world.delete_records(topic, 0, 2)
        source = world.source(topic, group_id)
        source.open({0: Position(1), 1: Position(0)})
        found = read_to_end(source, 0, 1)
        assert found.out_of_range == {0: 1}
        assert found.offsets == {1: [0]}  # the other partition goes on
        rest = poll_idle(source)
        assert (rest.rows, rest.ends, rest.out_of_range) == ([], {}, {})

    def test_what_is_told_of_an_earlier_place_ends_with_it(self, world: SourceWorld, group_id: str) -> None:
        """A run that planned anew would take it for a log that was cut off, and call a person."""
        topic = world.topic()
        world.produce(topic, b"1", b"2", b"3")
        world.delete_records(topic, 0, 2)
        source = world.source(topic, group_id)
        source.open({0: Position(1)})
        world.sleep(1)  # time enough for the client to ask, and nobody to hear of it
        source.open({0: Position(2)})
        found = read_to_end(source)
        assert (found.out_of_range, found.offsets) == ({}, {0: [2]})

    def test_a_position_behind_the_log_is_out_of_range(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.produce(topic, b"1")
        source = world.source(topic, group_id)
        source.open({0: Position(50)})
        found = read_to_end(source)
        assert (found.rows, found.ends, found.out_of_range) == ([], {}, {0: 50})

    def test_the_end_is_told_again_after_more_messages(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.produce(topic, b"1")
        source = world.source(topic, group_id)
        source.open({0: Position(0)})
        assert read_to_end(source).ends == {0: 1}
        assert poll_idle(source).ends == {}
        world.produce(topic, b"2")
        found = read_to_end(source)
        assert (found.offsets, found.ends) == ({0: [1]}, {0: 2})

    def test_a_finished_partition_is_silent(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic(2)
        source = world.source(topic, group_id)
        source.open({0: Position(0), 1: Position(0)})
        read_to_end(source, 0, 1)
        source.finish(0)
        world.produce(topic, *[NewMessage(b"x", partition=partition) for partition in (0, 1, 0)])
        found = read(source, lambda seen: seen.ends.get(1) == 1)
        assert (found.offsets, found.ends) == ({1: [0]}, {1: 1})
        assert poll_idle(source).rows == []
        assert 0 not in source.fetch_positions()

    def test_opening_again_reads_again(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic(2)
        world.produce(topic, b"1", b"2", NewMessage(b"x", partition=1))
        source = world.source(topic, group_id)
        source.open({0: Position(0), 1: Position(0)})
        read_to_end(source, 0, 1)
        source.open({0: Position(1)})
        found = read_to_end(source)
        assert (found.offsets, found.ends) == ({0: [1]}, {0: 2})

    def test_a_poll_never_brings_more_than_asked_for(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic(2)
        world.produce(topic, *[NewMessage(b"x", partition=number % 2) for number in range(25)])
        source = world.source(topic, group_id)
        source.open({0: Position(0), 1: Position(0)})
        first = read(source, lambda seen: len(seen.rows) >= 3, max_messages=3)  # checked in every poll
        rest = read(source, lambda seen: seen.ends == {0: 13, 1: 12}, max_messages=4)
        whole = Read(rows=[*first.rows, *rest.rows]).offsets
        assert whole == {0: list(range(13)), 1: list(range(12))}

    def test_single_messages_come_with_their_ends(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.produce(topic, b"1", b"2")
        source = world.source(topic, group_id)
        source.open({0: Position(0)})
        found = read(source, lambda seen: seen.ends == {0: 2}, max_messages=1)
        assert found.offsets == {0: [0, 1]}

    def test_an_idle_poll_waits_for_its_timeout(self, world: SourceWorld, group_id: str) -> None:
        source = world.source(world.topic(), group_id)
        source.open({0: Position(0)})
        read_to_end(source)
        begun = world.monotonic()
        polled = source.poll(10, 0.5)
        assert (polled.messages.num_rows, polled.ends, polled.out_of_range) == (0, {}, {})
        assert 0.4 <= world.monotonic() - begun < 3.0

    def test_fetch_positions_move_over_what_nobody_is_given(self, world: SourceWorld, group_id: str) -> None:
        needs(world, READ_COMMITTED)
        topic = world.topic()
        world.transact(topic, b"1", outcome="abort")
        source = world.source(topic, group_id)
        source.open({0: Position(0)})
        read(source, lambda _: source.fetch_positions().get(0) == 2)

    def test_the_epoch_of_the_last_message_is_told(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.produce(topic, b"1")
        source = world.source(topic, group_id)
        source.open({0: Position(0)})
        assert read_to_end(source).epochs == {0: 0}

    def test_a_commit_goes_beside_reading(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.produce(topic, b"1", b"2")
        source = world.source(topic, group_id)
        source.open({0: Position(0)})
        read(source, lambda seen: len(seen.rows) == 1, max_messages=1)
        source.commit({0: Position(1, 0)}, "half")
        assert read_to_end(source).offsets == {0: [1]}
        assert source.committed()[0].position.next_offset == 1

    def test_all_is_well_while_messages_come(self, world: SourceWorld, group_id: str) -> None:
        topic = world.topic()
        world.produce(topic, b"1")
        source = world.source(topic, group_id)
        source.open({0: Position(0)})
        read_to_end(source)
        assert source.connection_error() is None
