"""Why a group has put a member out: said by the client's events, its callbacks, and the coordinator's refusals."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message

from airflow_kafka_bq.exceptions import GroupInUseError, IngestError
from airflow_kafka_bq.kafka import errors
from airflow_kafka_bq.kafka.errors import Sort
from airflow_kafka_bq.kafka.standing import Standing
from airflow_kafka_bq.kafka.troubles import Troubles

# The names that begin with an underscore are the client's own errors, and public.
_MAX_POLL = KafkaError._MAX_POLL_EXCEEDED  # noqa: SLF001
_FATAL = KafkaError._FATAL  # noqa: SLF001  # the client is of no use any more; only its text says why
_INSTANCE = {KafkaError.FENCED_INSTANCE_ID, getattr(KafkaError, "UNRELEASED_INSTANCE_ID", None)}
_PASSING = {
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.ILLEGAL_GENERATION,  # also while our own answer to a rebalance is on its way
    getattr(KafkaError, "STALE_MEMBER_EPOCH", None),
}
_STRATEGY = "give all members of the group the same partition.assignment.strategy and group.protocol"


class Evictions:
    """Of one member. Its thread uses it, and who commits.

    :param session_seconds: without heart-beats for so long, the coordinator puts a member out.
    """

    def __init__(
        self, standing: Standing, troubles: Troubles, session_seconds: float, topic: str, group_id: str
    ) -> None:
        self._standing, self._troubles, self._session_seconds = standing, troubles, session_seconds
        self._context: dict[str, Any] = {"topic": topic, "group_id": group_id}
        self._polled_at = time.monotonic()
        self._stood_still = 0.0
        self._lost = False

    def about_to_poll(self) -> None:
        """A process that stands still sends no heart-beats, and only its clock tells it afterwards."""
        now = time.monotonic()
        self._stood_still, self._polled_at = max(self._stood_still, now - self._polled_at), now

    def lost(self) -> None:
        """The client's callback for lost partitions, which does not say why: events behind it may."""
        self._lost = True

    @property
    def unexplained(self) -> bool:
        """Whether partitions were lost, and an event may still say why."""
        return self._lost and not self._standing.lost_within(0)

    def sorted_out(self, found: Sequence[Message]) -> list[Message]:
        """Without what is said of the group."""
        of_topic = [message for message in found if message.topic() is not None]
        for message in found if len(of_topic) < len(found) else ():
            error = message.error()
            if error is not None and message.topic() is None:
                self.said(error)
        if self._lost:
            self._standing.lose(self._silence())
        return of_topic

    def said(self, error: KafkaError) -> None:
        """An event of the group, or a refusal of the coordinator."""
        code, sort = error.code(), errors.sort(error)
        if code == _MAX_POLL:
            self._standing.lose(f"no poll within max.poll.interval.ms: {error.str()}")
        elif code in _INSTANCE or (code == _FATAL and "instance" in error.str()):
            self._standing.lose(f"another member has its group.instance.id: {error.str()} ({error.name()})")
        elif code == KafkaError.INCONSISTENT_GROUP_PROTOCOL:
            message = f"the members of the group do not share an assignor: {error.str()} ({error.name()})"
            self._standing.fail(GroupInUseError(message, remedy=_STRATEGY, **self._context))
        elif sort is Sort.GROUP_IN_USE or code == _FATAL:
            self._standing.lose(f"{self._silence()}: {error.str()} ({error.name()})")
        elif sort is Sort.UNAVAILABLE:
            self._troubles.record_fetching(error)
        else:
            self._standing.fail(errors.translated(error, "membership of the group", **self._context))

    def refuses(self, error: KafkaError) -> bool:
        """Whether a refused commit means that we are out; else the rebalance is not over yet."""
        return errors.sort(error) is Sort.GROUP_IN_USE and error.code() not in _PASSING

    def passes(self, error: KafkaError) -> bool:
        """Whether a refused commit may be taken a moment later."""
        return errors.sort(error) is Sort.UNAVAILABLE or error.code() in _PASSING

    def failure(self, error: KafkaException) -> IngestError:
        """What ended the member's thread."""
        return errors.translated(errors.kafka_error(error), "membership of the group", **self._context)

    def _silence(self) -> str:
        seconds = self._session_seconds
        if self._stood_still >= seconds:
            return f"this process stood still for {self._stood_still:.1f} s, and session.timeout.ms is {seconds:g} s"
        return f"no heart-beat reached the coordinator within session.timeout.ms ({seconds:g} s)"
