"""``KafkaLagTrigger``: fires when a group has enough to read, by admin requests alone."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async

from airflow_kafka_bq._airflow import BaseEventTrigger, TriggerEvent, variable
from airflow_kafka_bq.exceptions import ConfigError, TransientError
from airflow_kafka_bq.operations.group_lag import Measured, Threshold, measure

log = logging.getLogger(__name__)

WATERMARK = re.compile("kafka_bq\\.lag\\.[0-9a-f]{16}")
"""Names of the variables that hold how far a trigger has told."""
STORED_SECONDS = 60.0
"""A triggerer stores an event within about a second; one that has not kept the watermark by now does not keep any."""


class KafkaLagTrigger(BaseEventTrigger):
    """Watch a group's lag: for ``AssetWatcher``, and for :class:`KafkaLagSensor` while it is deferred.

    It joins no group, commits nothing and reads no message. It fires once for what is unread: then only messages that
    came later count. What it has told of is kept in an Airflow variable, which the package's plugin writes in the
    transaction that stores the event: a triggerer that dies, at any moment, loses no event and repeats none.

    :param topic: Kafka topic. :param group_id: the job's consumer group, placeholders filled.
    :param min_lag: fire at so many unread messages. :param min_age_seconds: or when the oldest is so old.
    :param kafka_conn_id: connection of type ``kafka``. :param gcp_conn_id: for Google's managed Kafka.
    :param poll_seconds: between two looks. :param isolation_level: as in the job.
    :param once: end with the first event, for a task that waits.
    :raises ConfigError: neither threshold is given, or one is not positive.
    """

    def __init__(
        self, topic: str, group_id: str, min_lag: int | None = None, min_age_seconds: float | None = None,
        kafka_conn_id: str = "kafka_default", gcp_conn_id: str = "google_cloud_default", poll_seconds: float = 30.0,
        isolation_level: str = "read_committed", once: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()  # type: ignore[no-untyped-call]
        self.topic, self.group_id = topic, group_id
        self.min_lag, self.min_age_seconds = min_lag, min_age_seconds
        self.kafka_conn_id, self.gcp_conn_id = kafka_conn_id, gcp_conn_id
        self.poll_seconds, self.isolation_level, self.once = poll_seconds, isolation_level, once
        self._threshold = Threshold(min_lag, min_age_seconds)
        self._told_since: float | None = None
        if poll_seconds <= 0:
            raise ConfigError(f"poll_seconds: must be a number above 0 (given: {poll_seconds!r})")

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """As Airflow keeps it."""
        names = ("topic", "group_id", "min_lag", "min_age_seconds", "kafka_conn_id", "gcp_conn_id", "poll_seconds")
        given = {name: getattr(self, name) for name in (*names, "isolation_level", "once")}
        return ("airflow_kafka_bq.triggers.kafka_lag.KafkaLagTrigger", given)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, and fire whenever there is enough that nobody was told of."""
        source = await sync_to_async(self._source)()
        try:
            told = await self._remembered()
            while True:
                measured = await self._look(source, told)
                if measured is not None and self._threshold.is_reached(measured):
                    yield TriggerEvent(self._payload(measured))  # type: ignore[no-untyped-call]
                    if self.once:
                        return
                    told = dict(measured.ends)
                    self._told_since = self._told_since or time.monotonic()
                await self._doubt()
                await asyncio.sleep(self.poll_seconds)
        finally:
            await asyncio.shield(asyncio.to_thread(source.close))

    def _source(self) -> Any:
        from airflow_kafka_bq.hooks.google_cloud import GoogleLogin
        from airflow_kafka_bq.hooks.kafka import KafkaSettingsHook
        from airflow_kafka_bq.kafka.source import KafkaSource

        def token() -> Any:
            return GoogleLogin(self.gcp_conn_id).access_token()

        settings = KafkaSettingsHook(self.kafka_conn_id, token).settings()
        level: Any = self.isolation_level
        return KafkaSource(settings, self.topic, self.group_id, isolation_level=level, client_id="kafka-bq.lag")

    async def _look(self, source: Any, told: dict[int, int]) -> Measured | None:
        """None: Kafka does not answer now; the next look may."""
        times = self.min_age_seconds is not None
        try:
            return await asyncio.to_thread(measure, source, datetime.now(UTC), told, times=times)
        except TransientError as error:
            log.warning("the lag of group %s is not known now: %s", self.group_id, error)
            return None

    def _payload(self, measured: Measured) -> dict[str, Any]:
        """What a run or a task is told; ``ends`` is the watermark, and ``watermark`` the variable that keeps it."""
        return {
            "topic": self.topic,
            "group_id": self.group_id,
            "lag": measured.lag,
            "oldest_unread_seconds": measured.oldest_unread_seconds,
            "ends": {str(part): end for part, end in sorted(measured.ends.items())},
            **({} if self.once else {"watermark": self._watermark}),
        }

    @property
    def _watermark(self) -> str:
        """The variable's name: a trigger of other settings is another trigger, with a watermark of its own."""
        return f"kafka_bq.lag.{hashlib.sha256(json.dumps(self.serialize()).encode()).hexdigest()[:16]}"

    async def _remembered(self) -> dict[int, int]:
        """What was told of by the last event that Airflow has stored."""
        if self.once:
            return {}  # a task is woken in the transaction that stores the event, and its trigger is gone then
        kept = json.loads(await sync_to_async(variable)(self._watermark) or "{}")
        return {int(part): int(end) for part, end in kept.get("ends", {}).items()}

    async def _doubt(self) -> None:
        """Once, some time after the first event: say so where nothing is kept."""
        if self._told_since is None or time.monotonic() < self._told_since + STORED_SECONDS:
            return
        self._told_since = float("inf")
        if not await self._remembered():
            log.warning(
                "variable %s does not hold what was told of, so that a restart repeats it: the plugin kafka_bq is not "
                "loaded in the triggerer (see `airflow plugins`)", self._watermark,
            )  # fmt: skip
