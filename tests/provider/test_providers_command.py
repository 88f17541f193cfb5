"""``airflow providers`` shows the package, what it is and its links, and warns of nothing."""

from __future__ import annotations

import json

import pytest

import airflow_kafka_bq
from airflow_kafka_bq.get_provider_info import get_provider_info
from tests.provider.commands import airflow

pytestmark = pytest.mark.airflow
NAME = get_provider_info()["package-name"]


def test_list_has_it_with_its_version() -> None:
    done = airflow("providers", "list", "--output", "json")
    assert done.returncode == 0, done.stderr
    (found,) = (one for one in json.loads(done.stdout) if one["package_name"] == NAME)
    assert found["version"] == airflow_kafka_bq.__version__
    assert "without duplicates" in found["description"]
    assert NAME not in done.stderr
    assert "airflow_kafka_bq" not in done.stderr


def test_get_shows_all_of_it() -> None:
    done = airflow("providers", "get", NAME, "--full", "--output", "yaml")
    assert done.returncode == 0, done.stderr
    for path in (
        "airflow_kafka_bq.operators.kafka_to_bigquery",
        "airflow_kafka_bq.operators.plan",
        "airflow_kafka_bq.hooks.kafka",
        "airflow_kafka_bq.links.bigquery.MergeJobLink",
        "Apache Kafka",
        "Google BigQuery",
    ):
        assert path in done.stdout


def test_links_are_those_that_were_imported() -> None:
    done = airflow("providers", "links", "--output", "json")
    assert done.returncode == 0, done.stderr
    found = {one["extra_link_class_name"] for one in json.loads(done.stdout)}
    assert set(get_provider_info()["extra-links"]) <= found
    assert "airflow_kafka_bq" not in done.stderr


def test_the_connection_types_have_one_owner() -> None:
    done = airflow("providers", "hooks", "--output", "json")
    assert done.returncode == 0, done.stderr
    owners = {one["connection_type"]: one["package_name"] for one in json.loads(done.stdout)}
    assert owners["kafka"] == "apache-airflow-providers-apache-kafka"
    assert NAME not in owners.values()
