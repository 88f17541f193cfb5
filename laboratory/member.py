"""A batch consumer as teams write it: join, read a while, stage and merge, commit, leave.

Nothing in it is wrong line by line, and it has no callback that would do better: those here only look at the clock.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from laboratory.history import Diary, Life, Place
from laboratory.setups import Sizes

_LONGEST_CALL_SECONDS = 0.1
_AT_ONCE = 500


class Assignment:
    """Adds up how long a member has no partition.

    :param now: seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._partitions: set[Place] = set()
        self._empty_since: float | None = now()
        self._without = 0.0

    def gained(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """``on_assign``: all of them, or with a cooperative protocol those that are new."""
        self._partitions |= {(each.topic, each.partition) for each in partitions}
        if self._partitions and self._empty_since is not None:
            self._without += self._now() - self._empty_since
            self._empty_since = None

    def gone(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """``on_revoke`` and ``on_lost``."""
        self._partitions -= {(each.topic, each.partition) for each in partitions}
        if not self._partitions and self._empty_since is None:
            self._empty_since = self._now()

    def seconds_without(self) -> float:
        """So far."""
        return self._without + (0.0 if self._empty_since is None else self._now() - self._empty_since)


def live(
    diary: Diary, sizes: Sizes, slot: int, settings: Mapping[str, str], topics: Sequence[str],
    sleep: Callable[[float], None] = time.sleep,
) -> Life:  # fmt: skip
    """One consumer's life.

    :param settings: of the client, with its group.
    :param sleep: stands for staging and MERGE.
    """
    life = Life(slot, diary.now())
    consumer = Consumer({
        "auto.offset.reset": "earliest",
        "enable.auto.commit": "false",
        "log_level": "1",  # a storm of rebalances fills the screen
        **settings,
    })  # fmt: skip
    assignment = Assignment(diary.now)
    try:
        consumer.subscribe(
            list(topics), on_assign=assignment.gained, on_revoke=assignment.gone, on_lost=assignment.gone
        )
        batch = _read(consumer, diary, sizes, life)
        if batch:
            _write(batch, diary, sizes, sleep)
            _commit(consumer, life)
        life.without, life.ended = assignment.seconds_without(), diary.now()
    finally:
        consumer.close()
    return life


def _read(consumer: Consumer, diary: Diary, sizes: Sizes, life: Life) -> list[Message]:
    batch: list[Message] = []
    latest = life.began
    while True:
        found = [message for message in consumer.consume(_AT_ONCE, _LONGEST_CALL_SECONDS) if message.error() is None]
        now = diary.now()
        if found:
            latest = now
            life.first = now if life.first is None else life.first
            batch += found
            life.messages = len(batch)
        if life.first is None:
            if now - life.began > sizes.patience:
                return batch
        elif now - latest > sizes.quiet or now - life.first > sizes.batch:
            return batch


def _write(batch: Sequence[Message], diary: Diary, sizes: Sizes, sleep: Callable[[float], None]) -> None:
    offsets: defaultdict[Place, list[int]] = defaultdict(list)
    for message in batch:
        offsets[str(message.topic()), int(message.partition() or 0)].append(int(message.offset() or 0))
    diary.delivered(offsets)
    sleep(sizes.stage)
    sleep(sizes.merge)
    diary.merged(offsets)


def _commit(consumer: Consumer, life: Life) -> None:
    """What is in the table stays there, whether this works or not: the next owner reads from the last commit."""
    try:
        refused = [each.error for each in consumer.commit(asynchronous=False) or () if each.error is not None]
        life.error = refused[0].name() if refused else None
    except KafkaException as error:
        life.error = error.args[0].name()
    life.committed = life.error is None
