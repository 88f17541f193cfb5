from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.letters import LetterSelection, check_redrivable
from airflow_kafka_bq.exceptions import ConfigError


def job(**parameters: Any) -> JobConfig:
    return JobConfig.of(topic="shop.orders", table="analytics.orders", **parameters)


def test_copies_go_to_another_topic() -> None:
    assert job(dead_letter_topic="shop.orders.dead").dead_letter_topic == "shop.orders.dead"
    with pytest.raises(ConfigError, match=r"dead_letter_topic='shop\.orders' is the topic that is read") as error:
        job(dead_letter_topic="shop.orders")
    assert error.value.remedy == "name another topic"


def test_without_dead_letters_there_are_no_copies() -> None:
    with pytest.raises(ConfigError, match="dead_letter_topic='d' means nothing with on_bad_message='fail'"):
        job(dead_letter_topic="d", on_bad_message="fail")


def test_a_topic_that_is_a_template_is_compared_when_it_is_known() -> None:
    known = {"table": "analytics.orders", "dead_letter_topic": "shop.orders"}
    JobConfig.check_known(known, {"topic"})
    with pytest.raises(ConfigError, match="dead_letter_topic"):
        JobConfig.check_known(known | {"topic": "shop.orders"}, {"table"})


def test_a_redrive_needs_a_ledger() -> None:
    check_redrivable("ledger", "t")
    with pytest.raises(ConfigError, match="fence='none'"):
        check_redrivable("none", "t")
    with pytest.raises(ConfigError, match="reads a window") as raised:
        check_redrivable("ledger", "t", {"from": "2026-01-01", "to": "2026-01-02"})
    assert "since, until" in str(raised.value.remedy)


@pytest.mark.parametrize("given", [{"stage": "lost"}, {"stage": "parse"}, {"since": "then"}, {"limit": 0}])
def test_a_selection_names_what_it_does_not_take(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(given))):
        LetterSelection.of(**given)
