"""What is compared: how the consumers of many topics share the work, with the same work for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["shared", "shared, own topic", "group per topic", "assign"]


@dataclass(frozen=True, slots=True)
class Setup:
    """One way to read the topics.

    :param kind: ``shared``: one group, each consumer subscribes to all topics; ``shared, own topic``: one group, each
        subscribes to one; ``group per topic``: each topic has a group; ``assign``: our engine.
    :param settings: of the Kafka client, besides what all consumers have.
    """

    name: str
    kind: Kind
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def joins(self) -> bool:
        """Its consumers are members of a group."""
        return self.kind != "assign"

    @property
    def shares(self) -> bool:
        """One group for all topics."""
        return self.kind.startswith("shared")

    def group(self, topic: str) -> str:
        """Consumer group of the consumer that is started for a topic."""
        prefix = topic.rsplit(".", 1)[0]
        return f"{prefix}.loader" if self.shares else f"{prefix}.loader.{topic}"


def _assignor(name: str) -> dict[str, str]:
    return {"partition.assignment.strategy": name}


KIP_848 = {"group.protocol": "consumer"}
OURS = "ours, assign"
SETUPS = (
    Setup("shared, range", "shared", _assignor("range")),
    Setup("shared, roundrobin", "shared", _assignor("roundrobin")),
    Setup("shared, cooperative-sticky", "shared", _assignor("cooperative-sticky")),
    Setup("shared, KIP-848", "shared", KIP_848),
    Setup("shared, own topic each, range", "shared, own topic", _assignor("range")),
    Setup("group per topic, range", "group per topic", _assignor("range")),
    Setup("group per topic, KIP-848", "group per topic", KIP_848),
    Setup(OURS, "assign"),
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much, and for how long: the same for all set-ups. Seconds, unless the name says otherwise.

    :param period: a topic's consumer is started so often, or when the one before has ended, if that is later.
    :param lead: of the first consumer over all others. Classic groups need it: a broker waits 3 s for the members of an
        empty group, and each that joins meanwhile begins the wait anew.
    :param messages_per_second: into each partition, all the while.
    :param stage: the writer's time for staging a batch. :param merge: and for its MERGE.
    :param quiet: a member's batch ends when so long no message has come,
    :param batch: or so long after its first message.
    :param patience: a member that has got no message for so long leaves.
    """

    topics: int = 12
    partitions: int = 4
    seconds: float = 36.0
    period: float = 10.0
    lead: float = 5.0
    messages_per_second: int = 10
    stage: float = 1.0
    merge: float = 2.0
    quiet: float = 0.5
    batch: float = 2.0
    patience: float = 8.0

    def names(self, prefix: str) -> list[str]:
        """Topics of one set-up."""
        return [f"{prefix}.t{number:02d}" for number in range(self.topics)]
