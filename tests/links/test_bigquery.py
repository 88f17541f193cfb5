from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_kafka_bq.links import LINKS, MergeJobLink, job_url, table_url


def test_addresses_are_those_of_the_console() -> None:
    assert table_url("demo", "shop", "orders") == (
        "https://console.cloud.google.com/bigquery?p=demo&d=shop&t=orders&page=table"
    )
    assert "j=bq:europe-west4:kafka-bq-merge-1" in job_url("demo", "europe-west4", "kafka-bq-merge-1")


def test_names_are_escaped() -> None:
    assert "t=a%20%26b" in table_url("demo", "shop", "a &b")


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.name)
def test_a_link_is_what_the_task_noted(link: Any) -> None:
    noted = SimpleNamespace(link_addresses={link.xcom_key: "https://there"})
    assert link.get_link(noted, ti_key=None) == "https://there"
    assert link.get_link(SimpleNamespace(link_addresses={}), ti_key=None) == ""


def test_keys_and_names_are_apart() -> None:
    assert len({link.xcom_key for link in LINKS}) == len({link.name for link in LINKS}) == 3
    assert MergeJobLink().xcom_key == "kafka_bq_merge_job"
