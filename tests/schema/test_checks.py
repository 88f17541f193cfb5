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


def test_an_array_of_floats_has_no_order() -> None:
    assert version(["score"], COLUMNS) == ("score",)
    with pytest.raises(ConfigError, match="'scores' is ARRAY and has no order"):
        version(["scores"], COLUMNS)


def test_clustering_twice_by_one_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="names a column twice"):
        clustering(["Id", "ID"], COLUMNS)
