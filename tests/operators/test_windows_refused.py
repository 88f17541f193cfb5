"""A window that is wrong, in a DAG: literals when it is parsed, values of a form when the task runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import Param

from airflow_kafka_bq import KafkaToBigQueryOperator, PlanKafkaToBigQueryOperator
from airflow_kafka_bq.exceptions import ConfigError
from tests.operators.conftest import Wings, task

DAY = {"from": "2026-01-01", "to": "2026-01-02"}


@pytest.mark.parametrize(
    ("parameters", "said", "remedy"),
    [
        ({"window": {"from": "2026-02-01", "to": "2026-01-01"}}, "window: 'from' lies after 'to'", "exchange"),
        ({"window": {"from": {0: 5}, "to": {0: 2}}}, "window: 'from' of partition 0 lies after 'to'", "exchange"),
        ({"window": {"from": "2026-01-01", "to": {0: 5}}}, "both times or both mappings", "two times"),
        ({"window": {"from": {0: 1}, "to": {1: 5}}}, r"different partitions: \[0\] and \[1\]", "both ends"),
        ({"window": {"from": "2026-01-01"}}, "exactly two fields, 'from' and 'to'", "mend"),
        ({"window": '{"from": {"0": 1, "0": 2}, "to": {"0": 5}}'}, "window: 0 is there twice", "mend"),
        ({"window": DAY, "partitions": [0, 0]}, r"partitions names one twice: \[0, 0\]", "once"),
        ({"window": DAY, "partitions": [-1]}, "partitions.0: must be greater than or equal to 0", "mend"),
        ({"window": DAY, "fence": "none"}, "cannot keep a window apart", "fence='ledger'"),
        ({"partitions": [0]}, "partitions has a meaning only with a window", "mend"),
    ],
)
def test_a_literal_is_named_with_its_value_and_a_remedy(parameters: dict[str, Any], said: str, remedy: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        task(**parameters)
    assert remedy in str(raised.value.remedy)


DAYS = {"a": "2026-01-01", "b": "2026-01-02T06:00:00+00:00"}
GONE = {"topic": "no-such-topic"}


@pytest.mark.parametrize("operator", [KafkaToBigQueryOperator, PlanKafkaToBigQueryOperator], ids=["run", "dry run"])
@pytest.mark.parametrize(
    ("form", "said", "remedy"),
    [
        ({"a": "2026-02-01", "b": "2026-01-01"}, "window: 'from' lies after 'to'", "exchange the two"),
        ({"a": '{"0": 1, "0": 2}', "b": '{"0": 5}'}, "0 is there twice", "mend"),
        ({"a": {"0": 500}, "b": {"0": 900}}, "partition 0 ends at 2, and 'from' is 500", "begin at an offset before"),
        ({"a": "2026-01-01", "b": "2026-01-02", "partitions": [7]}, "has no partitions [7]; it has 2", "from 0 to 1"),
        ({**DAYS, **GONE}, "topic 'no-such-topic'", "check the topic's name"),
        ({"a": {"0": 0}, "b": {"0": 2}, **GONE}, "topic 'no-such-topic'", "check the topic's name"),
    ],
)
def test_what_a_form_gives_is_named_without_a_retry(
    wings: Wings, form: dict[str, Any], said: str, remedy: str, operator: type[KafkaToBigQueryOperator]
) -> None:
    wings.fill(4)
    ends = {"from": "{{ params.a }}", "to": "{{ params.b }}"}
    given = {"topic": wings.topic, "partitions": None, **form}
    found = wings.run(
        lambda: operator(
            task_id="load",
            topic="{{ params.topic }}",
            table=wings.table,
            window=ends,
            partitions="{{ params.partitions }}",
            retries=2,
            retry_delay=timedelta(0),
        ),
        params={name: Param(value) for name, value in given.items()},
    )
    assert (found.state, found.tries) == ("failed", 1)
    told = wings.told()
    assert said in told
    assert remedy in told.partition(said)[2]
    assert list(wings.client.list_tables(wings.dataset)) == [], "nothing was made for it"
