"""What is known of a job is validated at once, what is not is left to later."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError

ORDERS: dict[str, Any] = {"topic": "shop.orders", "table": "analytics.orders"}


def refusal(unknown: set[str], **known: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        JobConfig.check_known(known, unknown)
    return caught.value.message


def test_topic_and_table_may_be_unknown() -> None:
    JobConfig.check_known({}, {"topic", "table"})


def test_a_known_value_is_refused_whatever_else_is_unknown() -> None:
    assert "batch_messages" in refusal({"topic"}, table="a.b", batch_messages=0)
    assert "did you mean 'batch_messages'" in refusal({"topic"}, table="a.b", batch_mesages=5)
    assert "table" in refusal({"topic"}, table="nowhere")


def test_a_rule_between_known_parameters_holds() -> None:
    assert "version has a meaning only" in refusal({"topic"}, table="a.b", dedup_key=["id"], version=["n"])
    assert "not supported" in refusal({"window"}, **ORDERS, deferrable=True)
    assert "needs fence='ledger'" in refusal({"window"}, **ORDERS, assignment="subscribe", fence="none")


def test_a_rule_that_needs_something_unknown_waits() -> None:
    JobConfig.check_known({**ORDERS, "on_duplicate": "update"}, {"dedup_key"})
    JobConfig.check_known({**ORDERS, "partitions": [0]}, {"window"})
    assert "needs a dedup_key" in refusal({"window"}, **ORDERS, on_duplicate="update")
    assert "only with a window" in refusal({"dedup_key"}, **ORDERS, partitions=[0])


def test_a_default_that_follows_from_something_unknown_is_unknown() -> None:
    """Whether tombstones are inserted depends on the model."""
    JobConfig.check_known({**ORDERS, "on_tombstone": "insert"}, {"model"})
    assert "on_tombstone='insert'" in refusal({"topic"}, table="a.b", model="shop:Order", on_tombstone="insert")


def test_one_rule_that_waits_does_not_hide_another() -> None:
    known = {**ORDERS, "on_duplicate": "update", "labels": {"a": "b"}, "cluster_by": ["x", "X"]}
    assert "cluster_by names column" in refusal({"partitions"}, **known, dedup_key=["id"])
