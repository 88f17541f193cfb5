"""A pipe on a broker of its own, which may be stopped, frozen or cut off."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from airflow_kafka_bq.testing.kafka import KafkaBroker, create_topic
from tests.end_to_end.oracle import Oracle
from tests.end_to_end.pipe import Pipe


def pipe_on(
    broker: KafkaBroker,
    pipe: Callable[..., Pipe],
    partitions: int = 1,
    *,
    proxied: bool = False,
    replicas: int = 1,
    config: Mapping[str, str] | None = None,
    kafka: Mapping[str, str] | None = None,
    **settings: Any,
) -> Pipe:
    """A fresh topic there.

    :param proxied: the run reaches the broker through its proxy; who produces and looks does not.
    :param config: of the topic. :param kafka: client settings of the run.
    """
    topic = f"topic-{uuid.uuid4().hex[:8]}"
    create_topic(broker.bootstrap, topic, partitions, replication_factor=replicas, config=config)
    made = pipe(partitions=partitions, topic=topic, **settings)
    made.bootstrap = broker.bootstrap
    reached = {"bootstrap.servers": broker.proxied_bootstrap} if proxied else {}
    made.write(kafka=reached | dict(kafka or {}))
    return made


def oracle_on(broker: KafkaBroker, pipe: Callable[..., Pipe], *arguments: Any, **named: Any) -> Oracle:
    """An oracle over :func:`pipe_on`."""
    return Oracle(pipe_on(broker, pipe, *arguments, **named))
