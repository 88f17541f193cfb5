"""What happens to topic and brokers."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from airflow_kafka_bq.exceptions import AccessDeniedError, KafkaUnavailableError
from tests.histories.explained import Trouble
from tests.histories.ground import SMALL, WHILE, Ground
from tests.histories.telling import happening
from tests.pipeline.world import TOPIC

REQUESTS = ["describe", "committed", "group", "bounds", "offsets_at", "poll", "commit"]


class Brokers(Ground):
    """Growth, retention, compaction, elections, other lives of the topic, and silence."""

    @precondition(lambda self: self.topic_there)
    @happening(partition=SMALL, ahead=SMALL)
    def retention(self, partition: int, ahead: int) -> None:
        """Mostly takes what was read; sometimes more."""
        partition %= self.parts
        log = self.world.cluster.log(TOPIC, partition)
        before = log.log_start
        self.world.cluster.delete_records(TOPIC, partition, min(log.last_stable, log.log_start + ahead))
        if log.log_start > before:
            self.model.retained(partition, log.log_start)
            self.excuse_unknown()
            self.begin(Trouble.DELETED)
            if log.log_start > self.position.get(partition, 0):
                self.tell("retention took unread messages")

    @precondition(lambda self: self.topic_there)
    @happening(what=st.sampled_from(["grows", "is compacted", "another leader"]), partition=SMALL)
    def log_changes(self, what: str, partition: int) -> None:
        if what == "another leader":
            self.world.cluster.elect(TOPIC, partition % self.parts)
        elif what == "grows" and self.parts < 4:
            self.world.cluster.add_partitions(TOPIC, self.parts + 1)
            self.tell("partition added")
        else:
            self.world.cluster.compact(TOPIC)
            if self.model.compacted(self.world, self.position):
                self.tell("compaction left holes")

    @precondition(lambda self: self.topic_there and self.fenced)
    @happening(
        what=st.sampled_from(["truncated", "truncated", "deleted", "created again"]), partition=SMALL,
        lost=st.integers(1, 3), steps=WHILE,
    )  # fmt: skip
    def lose_messages(self, what: str, partition: int, lost: int, steps: int) -> None:
        """An unclean election; or the topic is deleted, and created again at once or after a while."""
        if what == "truncated":
            self._truncate(partition % self.parts, lost)
        elif self.world.cluster.tells_identities and not self.timeless:
            # Where no ids are told, offsets alone are to go by; without timestamps no coordinates tell two lives apart.
            self.delete_topic()
            if what == "created again":
                self.create_topic(lost)
            else:
                self.lasts(steps, lambda: self.create_topic(lost))

    def _truncate(self, partition: int, lost: int) -> None:
        """Acknowledged messages are lost, and others take their offsets."""
        log = self.world.cluster.log(TOPIC, partition)
        old, end = log.high_watermark, max(log.log_start, log.high_watermark - lost)
        if end == old:
            return
        position = self.position.get(partition, 0)
        unseen = position <= end and not self.processes and not self.jobs_run()
        self.world.cluster.truncate(TOPIC, partition, end)
        self.model.truncated(partition, end, old, position, unseen=unseen)
        if not unseen:
            self.begin(Trouble.TRUNCATED)
        self.tell("log truncated below the position" if position > end else "log truncated")

    def delete_topic(self) -> None:
        """Consumers hear nothing of it."""
        self.world.cluster.delete_topic(TOPIC)
        self.model.topic_deleted(self.position)
        self.begin(Trouble.TOPIC_GONE)
        for one in self.processes:
            one.seen.add(Trouble.TOPIC_ANOTHER)
        self.tell("topic deleted")

    def create_topic(self, partitions: int) -> None:
        """Another one of its name."""
        if not self.topic_there:
            self.model.ids[self.world.cluster.create_topic(TOPIC, partitions)] = self.model.life
            self.end(Trouble.TOPIC_GONE)
            self.tell("topic created again")

    # Requests

    def fail_request(self, call: str, *, denied: bool, answered: bool) -> None:
        """The next request of a kind. A commit may have been applied all the same."""
        if denied:
            self.begin(Trouble.KAFKA_DENIED)
            self.world.cluster.fail_next(call, AccessDeniedError("not allowed (TOPIC_AUTHORIZATION_FAILED)"))
            return
        self.begin(Trouble.BROKER_ERRORS)
        error = KafkaUnavailableError("no answer in time (_TIMED_OUT)")
        if call == "commit" and not answered:
            self.world.cluster.lose_answer(call, error)
        else:
            self.world.cluster.fail_next(call, error)

    @precondition(lambda self: not self.wrong(Trouble.BROKERS_DOWN, Trouble.SILENT) and self.topic_there)
    @happening(what=st.sampled_from(["down", "silent", "no leader"]), partition=SMALL, steps=WHILE)
    def brokers_are_away(self, what: str, partition: int, steps: int) -> None:
        """All of them; or nothing is fetched and nobody says why, of any partition or of one."""
        cluster = self.world.cluster
        self.tell(f"brokers: {what}")
        self.begin(Trouble.BROKERS_DOWN if what == "down" else Trouble.SILENT)
        if what == "down":
            cluster.take_down()
        elif what == "silent":
            cluster.silent = True
        else:
            cluster.stall(TOPIC, partition % self.parts)
        self.lasts(steps, self.brokers_are_back)

    def brokers_are_back(self) -> None:
        """And answer."""
        self.world.cluster.bring_up()
        self.world.cluster.silent = False
        if self.topic_there:
            self.world.cluster.topic(TOPIC).stalled.clear()
        self.end(Trouble.BROKERS_DOWN)
        self.end(Trouble.SILENT)
