"""Names that pass are legal where they go; what could leave a quote passes nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.config import TableId, names
from airflow_kafka_bq.pipeline import identity
from airflow_kafka_bq.schema.target import Target
from tests.config.drawing import few

HOSTILE = ("`", "'", '"', "\\", ";", "\n", "\r", "\0", "\u2028", "*", "?", "/", "(", ")", ",", "@", "$", "#")
CHECKS: tuple[Callable[[Any], Any], ...] = (
    names.topic_name,
    names.project_name,
    names.location_name,
    names.column_name,
    names.key_name,
    names.table_parts,
    lambda value: names.dataset_parts(value, "demo"),
)


@pytest.mark.parametrize("check", CHECKS)
def test_no_name_holds_what_could_leave_its_quotes(check: Callable[[Any], Any]) -> None:
    for pattern in ("{}", "a{}", "demo.a{}b", "demo.set.a{}b"):
        for character in HOSTILE:
            with pytest.raises(ValueError, match="is not a"):
                check(pattern.format(character))


@few
@given(st.text(max_size=30))
def test_a_table_name_that_passes_is_put_together_again(text: str) -> None:
    try:
        project, dataset, table = names.table_parts(text)
    except ValueError:
        return
    assert ".".join(filter(None, (project, dataset, table))) == text
    assert not set(text) & set(HOSTILE)


def test_the_longest_table_leaves_room_for_its_companions() -> None:
    """BigQuery takes 1,024 bytes; the staging table of the hundredth attempt has the longest name of all."""
    longest = "x" * 984
    assert names.table_parts(f"analytics.{longest}")
    target = Target(table=TableId("demo", "analytics", longest), columns=(), key=())
    batch = "0" * 20
    staging = [target.staging(f"{batch}_{part}_{attempt}") for part in ("rows", "dead") for attempt in (0, 99)]
    companions = (*staging, target.ledger, target.history, target.dead_letters)
    assert max(len(one.table.encode()) for one in companions) <= 1_024
    assert identity.load_job(batch, "rows", 99).startswith("kafka-bq-load-")
    with pytest.raises(ValueError, match="985 bytes long; at most 984"):
        names.table_parts(f"analytics.{longest}x")


def test_twice_ignores_case_as_bigquery_does() -> None:
    assert names.twice(("a", "b")) is None
    assert names.twice(("a", "b", "A", "B")) == "A"


def test_a_group_is_filled_once() -> None:
    assert names.filled("{topic}-{table}", topic="{table}", table="t") == "{table}-t"
    with pytest.raises(ValueError, match="not a consumer group"):
        names.filled("{topic}", topic=" ")


@pytest.mark.parametrize("value", ["", " ", " a", "a ", "a\n", "a\0b", "a\u200eb"])
def test_no_group(value: str) -> None:
    with pytest.raises(ValueError, match="not a consumer group"):
        names.group_name(value)


@few
@given(st.text(max_size=20))
def test_a_group_without_placeholders_is_filled_with_itself(text: str) -> None:
    try:
        template = names.group_template(text)
    except ValueError:
        return
    if "{" not in template:
        assert names.filled(template) == text


@pytest.mark.parametrize("labels", [{"team": "shop"}, {"équipe": "été_1-2"}, {"店": ""}, {"a" * 63: "b" * 63}])
def test_labels(labels: dict[str, str]) -> None:
    assert names.labels(labels) == labels


@pytest.mark.parametrize(
    "labels", [{"a" * 64: ""}, {"店" * 43: ""}, {"-a": ""}, {"a": "b" * 64}, {"a": "B"}, {"É": ""}]
)
def test_no_labels(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not a BigQuery label"):
        names.labels(labels)
