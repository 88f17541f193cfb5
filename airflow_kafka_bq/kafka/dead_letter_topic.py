"""The topic that gets copies of dead letters, on librdkafka's producer."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from airflow_kafka_bq.batch import Delivered, Delivery
from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    ConfigError,
    IngestError,
    KafkaUnavailableError,
    NotFoundError,
    TerminalError,
)
from airflow_kafka_bq.kafka import errors
from airflow_kafka_bq.kafka.clients import CLOSE_SECONDS, built
from airflow_kafka_bq.kafka.close import close_within, leave_to_parent
from airflow_kafka_bq.kafka.errors import Sort
from airflow_kafka_bq.kafka.settings import producer_settings
from airflow_kafka_bq.kafka.troubles import Troubles

_SLICE_SECONDS = 0.1
_SPARE_SECONDS = 2.0  # for the reports of messages whose time ran out
_INVALID_RECORD = KafkaError.INVALID_RECORD
_TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})


class KafkaDeadLetterTopic:
    """``ports.DeadLetterTopic`` on librdkafka: idempotent, and acknowledged by all replicas in sync.

    Nothing is connected before the first copy, and then only in the process that sends it.

    :param settings: the user's, by their dotted names; what contradicts these promises is overruled.
    :param topic: it is never created.
    :param timeout_seconds: after which a copy without an answer counts as unknown.
    :param client_id: ``client.id`` unless the settings have one.
    :raises ConfigError: no broker is named.
    """

    def __init__(
        self, settings: Mapping[str, Any], topic: str, timeout_seconds: float = 30.0, client_id: str = "kafka-bq"
    ) -> None:
        self._given, self._topic, self._timeout_seconds = settings, topic, timeout_seconds
        self._settings = producer_settings(settings, client_id=client_id, timeout_seconds=timeout_seconds)
        self._troubles = Troubles(settings)
        self._producer: Producer | None = None
        self._process_id: int | None = None

    def send(self, copies: pa.Table) -> Delivered:
        """As ``ports.DeadLetterTopic``: what has no delivery report without an error is not acknowledged."""
        messages = copies.to_pylist()
        outcomes = [Delivery.UNKNOWN] * len(messages)
        refused: list[KafkaError] = []
        try:
            self._send(messages, range(len(messages)), outcomes, refused)
            large = [index for index, one in enumerate(outcomes) if one is Delivery.TOO_LARGE]
            for index in large if len(messages) > 1 else ():  # a batch is refused whole, with what is small in it
                outcomes[index] = Delivery.UNKNOWN
                self._send(messages, [index], outcomes, refused)
        except KafkaException as failure:  # the producer is of no use any more: it may write to no topic at all
            refused.insert(0, errors.kafka_error(failure))
        except IngestError as error:
            self.close()  # what it still holds must not arrive behind a newer answer
            return Delivered(tuple(outcomes), error.located(topic=self._topic))
        if Delivery.UNKNOWN not in outcomes:
            return Delivered(tuple(outcomes))
        reason = self._reason(refused)  # before the reports of what is dropped
        self.close()
        return Delivered(tuple(outcomes), reason.located(topic=self._topic))

    def close(self) -> None:
        """As ``ports.DeadLetterTopic``. What was not sent yet is dropped; it counts as unknown."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        if self._process_id != os.getpid():
            leave_to_parent(producer)
            return
        close_within(partial(_drop, producer), "the Kafka producer", CLOSE_SECONDS)

    def _send(
        self, messages: list[Any], chosen: Sequence[int], outcomes: list[Delivery], refused: list[KafkaError]
    ) -> None:
        producer = self._client()
        deadline = time.monotonic() + self._timeout_seconds + _SPARE_SECONDS
        for index in chosen:
            self._produce(producer, messages[index], partial(_note, outcomes, refused, index), deadline)
        while producer.flush(_SLICE_SECONDS) and time.monotonic() < deadline:
            self._troubles.raise_refusal()  # a login that is refused is not waited for

    def _client(self) -> Producer:
        if self._producer is None:
            self._process_id = os.getpid()
            self._producer = built(Producer, self._settings, self._given, self._troubles.record_asking)
        elif self._process_id != os.getpid():
            raise TerminalError(f"this dead letter topic was first used in process {self._process_id}")
        return self._producer

    def _produce(self, producer: Producer, copy: dict[str, Any], report: Any, deadline: float) -> None:
        headers = [(one["key"], one["value"]) for one in copy["headers"]]
        while True:
            try:
                producer.produce(self._topic, value=copy["value"], key=copy["key"], headers=headers, on_delivery=report)
            except BufferError:  # the client's queue is full: wait for answers
                self._troubles.raise_refusal()
                if time.monotonic() >= deadline:
                    return
                producer.poll(_SLICE_SECONDS)
            except KafkaException as failure:  # nothing was sent, and no report comes
                report(errors.kafka_error(failure), None)
                return
            else:
                return

    def _reason(self, refused: list[KafkaError]) -> IngestError:
        """Why copies are unknown: what the cluster said of the first, or what the connections said."""
        doing = f"copying dead letters to topic {self._topic!r}"
        if not refused or refused[0].code() in _WITHOUT_ANSWER:
            return self._troubles.out_of_time(doing, self._timeout_seconds)
        error = refused[0]
        said = f"{doing}: {error.str()} ({error.name()})"
        if error.code() == _INVALID_RECORD:
            return ConfigError(said, remedy="a topic that is compacted takes no message without a key: delete instead")
        sort = errors.sort(error)
        if sort is Sort.DENIED:
            return AccessDeniedError(said, remedy=f"the login needs WRITE and DESCRIBE on topic {self._topic!r}")
        if sort is Sort.NOT_FOUND:
            return NotFoundError(said, remedy="create the topic: it is never created by a run")
        return ConfigError(said) if sort is Sort.CONFIG else KafkaUnavailableError(said)


# Their own names begin with an underscore, and are public.
_WITHOUT_ANSWER = frozenset({KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT, KafkaError._TRANSPORT})  # noqa: SLF001


def _note(
    outcomes: list[Delivery], refused: list[KafkaError], index: int, error: KafkaError | None, _message: Message | None
) -> None:
    """The delivery report of one copy."""
    if error is None:
        outcomes[index] = Delivery.ACKNOWLEDGED
    elif error.code() in _TOO_LARGE:
        outcomes[index] = Delivery.TOO_LARGE
    else:
        refused.append(error)


def _drop(producer: Producer) -> None:
    producer.purge()
    producer.flush(1)
