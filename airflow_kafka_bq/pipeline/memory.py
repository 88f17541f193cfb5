"""A machine with too little memory is named, with what would need less."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError


@contextmanager
def memory_named(config: JobConfig) -> Iterator[None]:
    """Turn a MemoryError, Arrow's too, into an error that says which settings decide how much is needed.

    :raises ConfigError: there was not enough; the same settings would fail again.
    """
    try:
        yield
    except MemoryError as error:
        bounds = f"batch_messages={config.batch_messages} and batch_bytes={config.batch_bytes}"
        remedy = "lower batch_bytes or batch_messages (two batches are held at a time), or give the process more memory"
        raise ConfigError(f"there is not enough memory for {bounds}", remedy=remedy) from error
