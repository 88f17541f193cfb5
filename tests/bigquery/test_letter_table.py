"""What is asked of BigQuery for copies; that it works is shown by ``tests/contract/copies_contract.py``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq.batch import UNCOPIED_SCHEMA, Uncopied
from airflow_kafka_bq.bigquery import copies
from airflow_kafka_bq.bigquery.letter_table import LetterTable
from tests.bigquery.targets import TOPIC, keep

DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Asked(LetterTable):
    """Notes the statements."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.found = list(rows)
        self._statements: Any = self

    def rows(self, *asked: Any) -> list[dict[str, Any]]:
        self.asked.append(asked)
        return self.found

    def pieces(self, *asked: Any) -> Any:
        self.asked.append(asked)
        return iter(())

    run = pieces


def test_what_waits_is_counted_and_read_within_its_times_and_costs() -> None:
    target, table = keep(), Asked({"letters": 2, "oldest": DAY, "newest": DAY})
    found = table.uncopied(target, TOPIC)
    assert found == Uncopied(2, DAY, DAY)
    assert list(table.uncopied_letters(target, TOPIC, found, 7, 1_000)) == []
    assert table.asked == [
        (copies.count(target, TOPIC), target.dead_letters),
        (copies.select(target, TOPIC, found, 7), target.dead_letters, UNCOPIED_SCHEMA, 1_000),
    ]


@pytest.mark.parametrize("letters", [1, 1_000])
def test_a_mark_is_one_statement_that_bigquery_takes(letters: int) -> None:
    """Unresolved, a statement is at most 1 MB long (https://cloud.google.com/bigquery/quotas#query_jobs)."""
    table = Asked()
    rows = [{"partition": 4_000, "offset": 2**62 + one, "timestamp_ms": 2**42 + one} for one in range(letters)]
    table.mark_copied(keep(), TOPIC, pa.Table.from_pylist(rows, UNCOPIED_SCHEMA))
    ((statement, where),) = table.asked
    assert where == keep().dead_letters
    assert statement.count(", TIMESTAMP") == letters
    assert len(statement) < 200_000
