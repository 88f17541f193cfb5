"""How many bad messages a run may have, checked before each MERGE."""

from __future__ import annotations

import logging
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import Decoded, Kind, Staged
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import BadMessagesError

log = logging.getLogger(__name__)

_RATIO_FROM_MESSAGES = 1_000
_SHOWN = 5
_BAD_STAGES = ("decode", "registry", "validate", "transform", "key", "load", "merge")


class BadMessages:
    """Counts over one run."""

    def __init__(self, config: JobConfig, group_id: str) -> None:
        self._config = config
        self._group_id = group_id
        self._messages = 0
        self._bad = 0
        self._shown = 0

    def check(self, decoded: Decoded, staged: Staged, counted: Decoded | None = None) -> None:
        """Add a batch. Of a redrive all failed before: those that fail again say nothing about the producer.

        :param counted: the same batch as added before; only what was found since then is added.
        :raises BadMessagesError: the run has more bad messages than the job allows.
        """
        bad = _bad(decoded)
        known = _bad(counted).num_rows if counted else 0
        self._show(bad.slice(known))
        if staged.kind is Kind.REDRIVE:
            return
        self._messages += staged.messages if counted is None else 0
        self._bad += bad.num_rows - known
        reason = self._reason() if bad.num_rows else None
        if reason is None:
            return
        first, *others = bad.slice(0, _SHOWN).to_pylist()
        also = "".join(f"; {_told(one)}" for one in others)
        raise BadMessagesError(
            f"{reason}; the first of this batch: {first['reason']}: {first['error']}{also}",
            topic=self._config.topic,
            partition=first["_kafka_partition"],
            offset=first["_kafka_offset"],
            group_id=self._group_id,
            batch_id=staged.batch_id,
            remedy="mend the producer or the model; or allow more with max_bad_ratio and max_bad_messages",
        )

    def _show(self, bad: pa.Table) -> None:
        """The first of a run are logged: who reads the log need not look into the table to know what came."""
        for one in bad.slice(0, _SHOWN - self._shown).to_pylist():
            log.warning("a message cannot be used: %s", _told(one))
            self._shown += 1

    def _reason(self) -> str | None:
        config = self._config
        if config.on_bad_message == "fail":
            return "a message cannot be used, and on_bad_message='fail'"
        if config.max_bad_messages is not None and self._bad > config.max_bad_messages:
            return f"{self._bad} bad messages; allowed are max_bad_messages={config.max_bad_messages}"
        ratio = self._bad / self._messages
        if self._messages >= _RATIO_FROM_MESSAGES and config.max_bad_ratio is not None and ratio > config.max_bad_ratio:
            return f"{self._bad} of {self._messages} messages are bad; allowed is max_bad_ratio={config.max_bad_ratio}"
        return None


def _told(letter: dict[str, Any]) -> str:
    where = f"partition {letter['_kafka_partition']}, offset {letter['_kafka_offset']}"
    return f"{where}: {letter['stage']}, {letter['reason']}: {letter['error']}"


def _bad(decoded: Decoded) -> pa.Table:
    """Dead letters that count: not those which a policy made, such as tombstones."""
    stages = decoded.dead_letters.column("stage")
    return decoded.dead_letters.filter(pc.is_in(stages, value_set=pa.array(_BAD_STAGES, stages.type)))
