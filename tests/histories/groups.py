"""What happens to the consumer group: hands on it, strangers in it, commits that are late, lost or refused."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from airflow_kafka_bq.batch import GroupMember
from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    GroupInUseError,
    IngestError,
    KafkaUnavailableError,
    TopicChangedError,
)
from airflow_kafka_bq.testing.memory import CommitFate
from tests.histories.explained import Trouble
from tests.histories.ground import SMALL, WHILE, Ground
from tests.histories.telling import happening
from tests.pipeline.world import GROUP, TOPIC

OTHER, MEMBER = "another.topic", "member-1"
REFUSALS: dict[str, Callable[[], IngestError]] = {  # made anew each time: an error is told where it was met
    "members": lambda: GroupInUseError("the group has members (UNKNOWN_MEMBER_ID)"),
    "denied": lambda: AccessDeniedError("not allowed (GROUP_AUTHORIZATION_FAILED)"),
    "unknown": lambda: TopicChangedError("the partition is gone (UNKNOWN_TOPIC_OR_PARTITION)"),
    "busy": lambda: KafkaUnavailableError("try again (COORDINATOR_LOAD_IN_PROGRESS)"),
}


class Groups(Ground):
    """Kafka's copy of the position is the weaker one: anybody may change it."""

    def _may_set(self) -> bool:
        """Whether a commit from outside is taken, and nobody has set the group already."""
        return not self.wrong(Trouble.MEMBER, Trouble.FORWARD)

    @happening(what=st.sampled_from(["back", "forward", "forgotten"]), by=st.integers(1, 4), steps=WHILE)
    def set_group(self, what: str, by: int, steps: int) -> None:
        """By hand; or the offsets expire."""
        if what == "back" and self._may_set() and not self.wrong(Trouble.BEYOND_END):
            self._set_back(by)
        elif what == "forward" and self._may_set() and self.fenced and self.position and self.topic_there:
            self._set_forward(by, steps)
        elif what == "forward" and self._may_set() and self.fenced and self._is_new():
            self._adopt(by, steps)
        else:
            self.offsets_expire()

    def _is_new(self) -> bool:
        return self.row is None and not self.processes and self.topic_there

    def _set_back(self, by: int) -> None:
        if wanted := {part: max(0, min(at, self.position.get(part, at)) - by) for part, at in self.committed().items()}:
            self.world.commit(wanted)
            self.scope.adopted |= wanted if not self.position else {}
            self.orderly = False
            self.tell("group set back")

    def _set_forward(self, by: int, steps: int) -> None:
        """A run that sees it refuses; it may lie beyond the end of the log, which no broker checks."""
        self.world.commit({part: at + by for part, at in self.position.items() if part < self.parts})
        self.begin(Trouble.FORWARD)
        self.tell("group set forward")
        self.lasts(steps, self.offsets_expire)

    def offsets_expire(self) -> None:
        """Or somebody deletes them."""
        if self.committed():
            self.tell("offsets expired")
        self.world.cluster.groups.expire(GROUP)
        self.end(Trouble.FORWARD)
        self.scope.adopted.clear()
        self.orderly &= self.fenced

    def _adopt(self, offset: int, steps: int) -> None:
        """A position of another tool, for the first run to begin with."""
        self.world.commit(dict.fromkeys(range(self.parts), offset))
        self.scope.adopted = dict.fromkeys(range(self.parts), offset)
        self.tell("position of another tool adopted")
        if any(offset > self.world.cluster.log(TOPIC, part).high_watermark for part in range(self.parts)):
            self.tell("position of another tool lies beyond the end")
            self.lasts(steps, self.offsets_expire)

    @precondition(lambda self: not self.wrong(Trouble.OTHER_TOPIC, Trouble.MEMBER))
    @happening(joins=st.booleans(), steps=st.integers(1, 2))
    def stranger(self, joins: bool, steps: int) -> None:
        """A foreign member, for a while; or another task commits offsets of its topic with our group id."""
        if joins:
            self.world.cluster.groups.join(GROUP, GroupMember(MEMBER, "stranger", "/10.0.0.1"))
            self.begin(Trouble.MEMBER)
            self.lasts(steps, self.member_leaves)
            return
        if not self.world.cluster.partitions(OTHER):
            self.world.cluster.create_topic(OTHER)
        self.world.commit({0: 0}, topic=OTHER)
        self.lasts(steps, lambda: self.world.cluster.groups.expire(GROUP, OTHER))

    def member_leaves(self) -> None:
        """Its session ends."""
        if self.wrong(Trouble.MEMBER):
            self.world.cluster.groups.leave(GROUP, MEMBER)
            self.end(Trouble.MEMBER)

    @precondition(lambda self: self.topic_there)
    @happening(fate=st.none() | st.sampled_from(CommitFate), partition=SMALL, why=st.sampled_from(sorted(REFUSALS)))
    def doom_commit(self, fate: CommitFate | None, partition: int, why: str) -> None:
        """The next one is late, or lost; or one partition is refused, in an answer that is good for the others."""
        if fate:
            self.world.cluster.groups.fate_of_next(fate)
            self.begin(Trouble.COMMIT_UNANSWERED)
        else:
            self.world.cluster.groups.refuse_next(GROUP, partition % self.parts, REFUSALS[why]())
            self.begin(Trouble.COMMIT_UNANSWERED if why == "busy" else Trouble.COMMIT_REFUSED)

    @precondition(lambda self: self.world.cluster.groups._late)
    @happening()
    def late_commits_arrive(self) -> None:
        if self.world.cluster.groups.apply_late():
            self.orderly &= self.fenced
            self.tell("a late commit arrived")
