from __future__ import annotations

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.checks import clustering, key, named, version
from airflow_kafka_bq.schema.columns import Column

COLUMNS = (Column("Id", "INT64"), Column("score", "FLOAT64"), Column("scores", "FLOAT64", "REPEATED"))


def test_columns_are_found_in_any_case_and_spelled_as_they_are() -> None:
    assert named("dedup_key", "ID", COLUMNS).name == "Id"
    assert key(["iD"], COLUMNS) == ("Id",)


def test_what_is_there_is_listed_when_nothing_is_near() -> None:
    with pytest.raises(ConfigError, match="there are Id, score, scores"):
        named("dedup_key", "zzz", COLUMNS)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (Column("k", "FLOAT64"), "FLOAT64"),
        (Column("k", "JSON"), "JSON"),
        (Column("k", "STRING", "REPEATED"), "ARRAY"),
        (Column("k", "STRUCT", fields=(Column("a", "INT64"),)), "STRUCT"),
    ],
)
def test_a_key_that_bigquery_cannot_compare_is_refused_by_name(column: Column, kind: str) -> None:
    with pytest.raises(ConfigError, match=f"dedup_key: 'k' is {kind} and cannot be part of a key"):
        key(["k"], (column,))


def test_an_array_of_floats_has_no_order() -> None:
    assert version(["score"], COLUMNS) == ("score",)
    with pytest.raises(ConfigError, match="'scores' is ARRAY and has no order"):
        version(["scores"], COLUMNS)


def test_clustering_twice_by_one_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="names a column twice"):
        clustering(["Id", "ID"], COLUMNS)
