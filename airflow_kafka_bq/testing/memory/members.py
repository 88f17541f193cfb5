"""Members of consumer groups: who has which partitions, from one call to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from airflow_kafka_bq.batch import GroupMember
from airflow_kafka_bq.testing.memory.groups import Groups


@dataclass(slots=True)
class _Joined:
    topic: str
    member_ids: list[str] = field(default_factory=list)


class Members:
    """Members that subscribe to one topic, each group's in the order of their joining.

    Partitions go round. A rebalance is over at once, and who lost a partition hears of it with its next call: until
    then it is the zombie of that partition, as a member is whose time to give it up ran out.

    :param partitions_of: partitions of a topic.
    """

    def __init__(self, groups: Groups, partitions_of: Callable[[str], range]) -> None:
        self._groups, self._partitions_of = groups, partitions_of
        self._joined: dict[str, _Joined] = {}

    def join(self, group_id: str, member_id: str, topic: str) -> None:
        """Subscribe, and be given partitions."""
        self._groups.join(group_id, GroupMember(member_id, member_id, "/127.0.0.1", (topic,)))
        self._joined.setdefault(group_id, _Joined(topic)).member_ids.append(member_id)

    def leave(self, group_id: str, member_id: str) -> None:
        """By itself; or it is put out, and hears of that with its next call. Nothing where it is not in."""
        joined = self._joined.get(group_id)
        if joined is not None and member_id in joined.member_ids:
            joined.member_ids.remove(member_id)
            self._groups.leave(group_id, member_id)

    put_out = leave

    def of(self, group_id: str) -> list[str]:
        """Ids of those that subscribed."""
        return list(self._joined[group_id].member_ids) if group_id in self._joined else []

    def share(self, group_id: str, member_id: str) -> frozenset[int] | None:
        """Partitions of a member; None: it is not in the group."""
        ids = self.of(group_id)
        if member_id not in ids:
            return None
        number = ids.index(member_id)
        parts = self._partitions_of(self._joined[group_id].topic)
        return frozenset(part for part in parts if part % len(ids) == number)
