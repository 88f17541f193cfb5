"""Delete markers in the text of the transaction; what it does is in ``tests/contract/deletes_contract.py``."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.bigquery import deletes
from tests.bigquery.googlesql import statements
from tests.bigquery.layout_cases import ALL
from tests.bigquery.targets import update

REMOVING = update("updated_at", "sequence", delete=True, delete_expiration_days=90)


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("delete")])
def test_delete_markers_are_written_and_consulted_between_begin_and_commit(name: str) -> None:
    begin, *inside, commit = statements(ALL[name].text)
    assert (begin, commit) == ("BEGIN TRANSACTION", "COMMIT TRANSACTION")
    merges = [one for one in inside if one.startswith("MERGE")]
    rows = [one for one in merges if "WHEN NOT MATCHED AND S.`_kafka_admitted` THEN INSERT" in one]
    marked = [one for one in merges if one.split(" T\n")[0].endswith("__deletes`")]
    removed = [one for one in merges if one.endswith("THEN DELETE")]
    valid = "LEFT JOIN (SELECT * FROM `demo`.`analytics`.`orders__deletes` WHERE `expires_at` > CURRENT_TIMESTAMP())"
    assert all(valid in one for one in rows)
    assert [len(rows), len(removed)] == [int(not name.endswith("tombstones")), int(not name.endswith("rows"))]
    assert merges == [*rows, *marked, *removed], "consulted, then written, then rows are removed"
    assert bool(removed) == any("WHEN NOT MATCHED" in one for one in marked)


def test_a_marker_outlives_the_windows_by_a_day() -> None:
    assert f"INTERVAL {91 * 86400} SECOND" in deletes.mark(REMOVING, "SELECT 1", ())


def test_without_a_version_the_target_is_not_read_for_one() -> None:
    plain = update(delete=True, delete_expiration_days=90)
    assert "JOIN" not in deletes.mark(plain, "SELECT 1", ())
    assert "JOIN" in deletes.mark(REMOVING, "SELECT 1", ())


def test_columns_that_are_key_and_coordinate_at_once_are_not_assigned() -> None:
    both = update(delete=True, delete_expiration_days=90, key=("order_id", "_kafka_partition"))
    assert "SET `_kafka_topic` = S.`_kafka_topic`, `_kafka_offset`" in deletes.mark(both, "SELECT 1", ())
