"""Dead letters copied to a topic of the real broker, out of the local BigQuery: whole, and killed anywhere."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from airflow_kafka_bq.testing.kafka import NewMessage, TopicFactory, offset_bounds
from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
BAD = (b"{0", b"{1", b"{2", b"\xff")
KILLS = [
    Blow("warehouse.merge", "after"),
    Blow("copies.send", "after"),
    *(
        pytest.param(blow, marks=pytest.mark.slow)
        for blow in (
            Blow("source.commit", "after"),
            Blow("warehouse.uncopied", "after"),
            Blow("copies.send", "before"),
            Blow("warehouse.mark_copied", "after"),
        )
    ),
]


def copying(pipe: PipeFactory, topic: str) -> Pipe:
    """Bad messages among good ones."""
    made = pipe(partitions=2, max_bad_ratio=None, dead_letter_topic=topic)
    headers = [("h", b"\x00"), ("h", None)]
    made.produce([NewMessage(one, key=b"k%d" % at, partition=at % 2, headers=headers) for at, one in enumerate(BAD)])
    made.produce([{"n": number} for number in range(4)])
    return made


def read(made: Pipe, topic: str) -> list[Message]:
    """All messages of the topic."""
    consumer = Consumer({"bootstrap.servers": made.bootstrap, "group.id": "copies", "enable.auto.commit": False})
    ends = {part: end for part, (_, end) in offset_bounds(made.bootstrap, topic, [0]).items()}
    consumer.assign([TopicPartition(topic, part, 0) for part in ends])
    found: list[Message] = []
    while len(found) < sum(ends.values()):
        one = consumer.poll(10)
        assert one is not None
        assert one.error() is None
        found.append(one)
    consumer.close()
    return found


def marked(made: Pipe) -> Counter[Any]:
    return Counter(made.query(f"SELECT copied_at IS NOT NULL FROM {made.name('__dead_letters')}"))


def test_a_copy_is_the_message_with_what_was_wrong(pipe: PipeFactory, kafka_topic: TopicFactory) -> None:
    topic = kafka_topic()
    made = copying(pipe, topic)
    report = made.json("run", str(made.path))
    assert report["dead_letter_copies"] == {"topic": topic, "copied": 4, "waiting": 0, "error": None}
    said = made.query(
        f"SELECT _kafka_partition, _kafka_offset, stage, reason, error, batch_id, UNIX_MILLIS(_kafka_timestamp), "
        f"_kafka_value FROM {made.name('__dead_letters')}"
    )
    letters = {row[-1]: row[:-1] for row in said}
    found = read(made, topic)
    assert sorted(one.value() or b"" for one in found) == sorted(BAD)
    for one in found:
        headers: Any = one.headers()
        told = {name: (value or b"").decode() for name, value in headers[2:]}
        assert (one.key(), headers[:2]) == (b"k%d" % BAD.index(one.value() or b""), [("h", b"\x00"), ("h", None)])
        part, offset, stage, reason, error, batch, stamp = letters[one.value()]
        moment = datetime.fromtimestamp(stamp / 1000, UTC).isoformat(timespec="milliseconds")
        assert told == {
            "kafka-bq.topic": made.topic, "kafka-bq.partition": str(part), "kafka-bq.offset": str(offset),
            "kafka-bq.timestamp": moment, "kafka-bq.stage": stage, "kafka-bq.reason": reason,
            "kafka-bq.error": error, "kafka-bq.batch_id": batch,
            "kafka-bq.table": f"{made.client.project}.{made.dataset}.{made.table}",
        }  # fmt: skip
    assert "copied 0" not in made.command("run", str(made.path)).stdout
    assert marked(made) == {(True,): 4}


@pytest.mark.kill
@pytest.mark.parametrize("blow", KILLS, ids=str)
def test_killed_between_the_merge_and_the_copy_the_next_run_copies(
    pipe: PipeFactory, kafka_topic: TopicFactory, blow: Blow
) -> None:
    topic = kafka_topic()
    made = copying(pipe, topic)
    made.start(blow).dies()
    report = made.run()
    assert report.get("outcome") == "end", report
    assert made.ledger() == made.committed()
    assert marked(made) == {(True,): 4}
    found = Counter(one.value() for one in read(made, topic))
    assert set(found) == set(BAD)
    sent_before = str(blow) in {"after-copies.send-1", "after-warehouse.mark_copied-1"}
    assert report["dead_letter_copies"]["copied"] == (0 if blow.effect == "warehouse.mark_copied" else 4)
    assert sum(found.values()) == (8 if sent_before and blow.effect == "copies.send" else 4)


def test_a_missing_topic_and_an_older_table(pipe: PipeFactory, kafka_topic: TopicFactory) -> None:
    made = copying(pipe, "nobody-created-this")
    failed = made.command("run", str(made.path), "--json")
    assert failed.returncode == 3, failed.stderr
    error = json.loads(failed.stdout)
    assert (error["error"], error["report"]["committed"]) == ("NotFoundError", True)
    assert "nobody-created-this" in error["message"]
    assert "rows and position are safe, 4 dead letters wait" in error["message"]
    assert sum(made.ledger().values()) == 8
    made.query(f"ALTER TABLE {made.name('__dead_letters')} DROP COLUMN copied_at")
    topic = kafka_topic()
    shown = made.command("run", str(made.path), "--set", f"dead_letter_topic={topic}")
    assert f"copied 4 dead letters to {topic}" in shown.stdout, shown.stderr
    assert len(read(made, topic)) == 4
