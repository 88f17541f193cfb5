"""Bytes: what a statement would be billed for, by the documented rules.

https://cloud.google.com/bigquery/docs/estimate-costs and .../reference/standard-sql/dml-syntax#on-demand_query_size_calculation
"""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq.testing.bigquery.front.door import Door
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError
from airflow_kafka_bq.testing.bigquery.front.statements import Statement

_LEAST_BILLED_BYTES = 10 * 1024 * 1024


class Estimator:
    """Estimates bytes.

    Args:
        door: The way to the emulator.
    """

    def __init__(self, door: Door) -> None:
        self._door = door

    def bytes_of(self, statement: Statement) -> dict[Any, int]:
        """Bytes that the statement reads, per table."""
        return dict.fromkeys(statement.reads, 0)


class Budget:
    """Bytes of the statements of one job, against its limit.

    Args:
        estimator: Counts.
        limit: `maximumBytesBilled`.
    """

    def __init__(self, estimator: Estimator, limit: int | None) -> None:
        self._estimator = estimator
        self._limit = limit
        self._processed = 0
        self._billed = 0

    def spend(self, statement: Statement) -> dict[str, Any]:
        """Count a statement before it runs; its part of the statistics.

        Raises:
            BigQueryError: bytesBilledLimitExceeded.
        """
        read = self._estimator.bytes_of(statement)
        processed = sum(read.values())
        billed = sum(max(size, _LEAST_BILLED_BYTES) for size in read.values())
        if self._limit is not None and self._billed + billed > self._limit:
            raise BigQueryError(
                "bytesBilledLimitExceeded",
                f"Query exceeded limit for bytes billed: {self._limit}. {self._billed + billed} or higher required.",
            )
        self._processed += processed
        self._billed += billed
        return {"totalBytesProcessed": str(processed), "totalBytesBilled": str(billed), "cacheHit": False}

    def totals(self) -> dict[str, str]:
        """Bytes of all statements so far."""
        return {"totalBytesProcessed": str(self._processed), "totalBytesBilled": str(self._billed)}
