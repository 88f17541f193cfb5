"""How many bad messages a run may have, checked before each MERGE."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from airflow_kafka_bq.batch import Decoded, Staged
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import BadMessagesError

_RATIO_FROM_MESSAGES = 1_000
_BAD_STAGES = ("decode", "validate", "key", "load")


class BadMessages:
    """Counts over one run."""

    def __init__(self, config: JobConfig, group_id: str) -> None:
        self._config = config
        self._group_id = group_id
        self._messages = 0
        self._bad = 0

    def check(self, decoded: Decoded, staged: Staged, counted: Decoded | None = None) -> None:
        """Add a batch.

        :param counted: the same batch as added before; only what was found since then is added.
        :raises BadMessagesError: the run has more bad messages than the job allows.
        """
        bad = _bad(decoded)
        self._messages += staged.messages if counted is None else 0
        self._bad += bad.num_rows - (_bad(counted).num_rows if counted else 0)
        reason = self._reason() if bad.num_rows else None
        if reason is None:
            return
        first = bad.slice(0, 1).to_pylist()[0]
        raise BadMessagesError(
            f"{reason}; the first of this batch: {first['reason']}: {first['error']}",
            topic=self._config.topic,
            partition=first["_kafka_partition"],
            offset=first["_kafka_offset"],
            group_id=self._group_id,
            batch_id=staged.batch_id,
            remedy="mend the producer or the model; or allow more with max_bad_ratio and max_bad_messages",
        )

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


def _bad(decoded: Decoded) -> pa.Table:
    """Dead letters that count: not those which a policy made, such as tombstones."""
    stages = decoded.dead_letters.column("stage")
    return decoded.dead_letters.filter(pc.is_in(stages, value_set=pa.array(_BAD_STAGES, stages.type)))
