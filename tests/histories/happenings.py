"""What can happen to a pipeline from outside: producers, brokers, hands on the group, BigQuery and its clock."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from airflow_kafka_bq.testing.memory import CommitFate, Fate
from tests.histories.model import Message, Model
from tests.histories.telling import Telling, happening
from tests.pipeline.world import GROUP, TOPIC, World

FATES = st.sampled_from([fate for fate in Fate if fate is not Fate.BAD_ROWS])
SMALL = st.integers(0, 4)


class Happenings(Telling):
    """The rules that touch the world and the model of it, and no process of ours."""

    update = False

    def __init__(self) -> None:
        super().__init__()
        self.world, self.model = World(2), Model()
        self.count = 0
        self.reached: dict[int, int] = {}  # next offsets that the ledger had last
        self.moved_by_hand = self.refused = self.touched = False

    # What producers and brokers do

    def _message(self, partition: int, key: int, version: int | None, kind: str) -> tuple[Message, bytes | None]:
        self.count += 1
        self.world.clock.advance(0.001)
        partitions = len(self.world.cluster.partitions(TOPIC))
        # A key lives in one partition, as Kafka's partitioner has it; without keys it does not matter where.
        partition = key % 2 if self.update else partition % partitions
        name, n = f"k{key}", self.count
        body = {"id": name, "n": n, "updated": version}
        values = {"good": _json(body), "bad": b"{", "tombstone": None}
        offset = self.world.cluster.log(TOPIC, partition).high_watermark
        message = Message(
            partition, offset, n, name, n, version, kind == "good" or (kind == "tombstone"), kind == "tombstone"
        )
        return message, values[kind]

    @happening(
        partition=SMALL, key=SMALL, version=st.none() | SMALL, kind=st.sampled_from(["good"] * 4 + ["bad", "tombstone"])
    )
    def produce(self, partition: int, key: int, version: int | None, kind: str) -> None:
        message, value = self._message(partition, key, version, kind)
        self.world.send(value, message.partition, message.key)
        self.model.visible.append(message)

    @happening(count=st.integers(3, 6), partition=SMALL)
    def produce_many(self, count: int, partition: int) -> None:
        for key in range(count):
            self.produce(partition, key, key, "good")

    @happening(partition=SMALL, key=SMALL)
    def produce_in_transaction(self, partition: int, key: int) -> None:
        transaction, messages = self.world.cluster.transaction(), []
        for _ in range(2):
            message, value = self._message(partition, key, 1, "good")
            transaction.produce(TOPIC, value, key=message.key.encode(), partition=message.partition)
            messages.append(message)
        self.model.undecided[transaction.number] = transaction, messages

    @precondition(lambda self: self.model.undecided)
    @happening(commit=st.booleans())
    def end_transaction(self, commit: bool) -> None:
        self.model.decide(min(self.model.undecided), commit=commit)

    @precondition(lambda self: len(self.world.cluster.partitions(TOPIC)) < 4)
    @happening()
    def add_partition(self) -> None:
        self.world.cluster.add_partitions(TOPIC, len(self.world.cluster.partitions(TOPIC)) + 1)

    @happening(partition=SMALL, ahead=SMALL)
    def retention(self, partition: int, ahead: int) -> None:
        """Mostly takes what was read; sometimes more."""
        partition %= len(self.world.cluster.partitions(TOPIC))
        log = self.world.cluster.log(TOPIC, partition)
        self.world.cluster.delete_records(TOPIC, partition, min(log.last_stable, log.log_start + ahead))

    # What happens to the group

    @happening(back=SMALL)
    def set_group_back(self, back: int) -> None:
        if not self.moved_by_hand:
            self.world.commit({part: max(0, at - back) for part, at in self.world.committed().items()})

    @happening()
    def expire_offsets(self) -> None:
        self.world.cluster.groups.expire(GROUP)
        self.moved_by_hand = False

    @precondition(lambda self: self.reached and not self.moved_by_hand)
    @happening(by=st.integers(1, 3))
    def set_group_forward(self, by: int) -> None:
        """A run that sees it refuses; then the group is set back."""
        self.world.commit({part: at + by for part, at in self.reached.items()})
        self.moved_by_hand = self.touched = True

    @precondition(lambda self: self.moved_by_hand)
    @happening()
    def set_group_right(self) -> None:
        self.world.commit(self.world.positions())
        self.moved_by_hand = False

    @happening(fate=st.sampled_from(CommitFate))
    def doom_commit(self, fate: CommitFate) -> None:
        self.world.cluster.groups.fate_of_next(fate)

    @precondition(lambda self: self.world.cluster.groups._late)
    @happening()
    def late_commits_arrive(self) -> None:
        if self.world.cluster.groups.apply_late():
            self.moved_by_hand = False

    # What BigQuery and its clock do

    @happening(
        fate=FATES, job=st.sampled_from(["load", "merge"]), seconds=st.sampled_from([5.0, 40.0]), holding=st.booleans()
    )
    def doom_job(self, fate: Fate, job: str, seconds: float, holding: bool) -> None:
        self.refused |= fate is Fate.REJECTED
        slow = fate is Fate.SLOW
        self.world.database.script(
            f"kafka-bq-{job}-*", fate, seconds=seconds if slow else None, holding=slow and holding and job == "merge"
        )

    @happening(seconds=st.sampled_from([1.0, 50.0, 3600.0 * 80]))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.advance(seconds)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
