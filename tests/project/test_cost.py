"""What a batch costs: bounded by the batch and not by the table, estimated before it is spent, and capped."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_kafka_bq.exceptions import CostLimitError
from tests.project.line import Line

LineFactory = Callable[..., Line]
_DAY_MS = 24 * 3600 * 1000
_LEAST_BILLED = 10 * 1024 * 1024  # of each table that a statement reads
_TABLES = 12  # that the statements of a batch read together, at most

# Days that are not the batch's: rows of a hundred of them, at coordinates of another topic.
_GROW = """
INSERT INTO {table} (id, n, _kafka_topic, _kafka_partition, _kafka_offset, _kafka_timestamp, _ingested_at)
SELECT CONCAT('old-', CAST(n AS STRING)), n, 'old', 0, n,
  TIMESTAMP_SUB(TIMESTAMP '2026-01-01 00:00:00+00', INTERVAL MOD(n, 100) DAY), TIMESTAMP '2026-01-01 00:00:00+00'
FROM UNNEST(GENERATE_ARRAY(1, 20000)) AS n
"""


@pytest.fixture
def filled(line: LineFactory) -> Line:
    made = line()
    made.send(200)
    made.run()
    made.send(200)
    return made


def test_bytes_do_not_grow_with_the_table(filled: Line) -> None:
    """Coordinates as the key: literal bounds on partition and cluster columns leave the days of the batch."""
    small = filled.run().estimated_bytes
    filled.query(_GROW)
    (size,) = (row["n"] for row in filled.query("SELECT COUNT(*) AS n FROM {table}"))
    assert size == 20_400
    filled.send(200)
    report = filled.run()
    assert small < report.estimated_bytes < 3 * small  # its own rows of today grew by half
    assert report.rows["inserted"] == 200


def test_a_key_without_bounds_reads_the_whole_table_and_the_estimate_says_so(filled: Line) -> None:
    """The counterpart: without it the test above could hold for any estimate."""
    keyed = {"dedup_key": ["id"]}
    small = filled.run(**keyed).estimated_bytes
    filled.query(_GROW)
    filled.send(200)
    assert filled.run(**keyed).estimated_bytes > 10 * small


def test_the_estimate_is_an_upper_bound_of_the_bill(filled: Line) -> None:
    report = filled.run()
    assert 0 < report.bytes_billed <= report.estimated_bytes + _TABLES * _LEAST_BILLED


def test_a_limit_is_kept_before_anything_is_spent(filled: Line) -> None:
    before = filled.ledger()
    with pytest.raises(CostLimitError) as caught:
        filled.run(max_bytes_billed=1)
    assert caught.value.remedy
    assert filled.ledger() == before
    filled.run()
    filled.check_whole()


def test_a_plan_runs_nothing_and_knows_the_bytes(filled: Line) -> None:
    before = filled.ledger(), filled.offsets()
    plan = filled.preview()
    assert plan["lag"] == 200
    assert plan["estimated_bytes"] > 0
    assert (filled.ledger(), filled.offsets()) == before


def test_bounds_are_literals_that_prune(filled: Line) -> None:
    """A partition filter that BigQuery requires can be met by literals in the ON clause alone."""
    filled.query("ALTER TABLE {table} SET OPTIONS (require_partition_filter = TRUE)")
    report = filled.run()
    assert report.rows["inserted"] == 200
