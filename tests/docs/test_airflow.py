"""What the page on Airflow says of the operator is what the operator has."""

from __future__ import annotations

import re

import pytest
from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryOperator
from airflow_kafka_bq.hooks import google_cloud
from airflow_kafka_bq.links import LINKS
from tests.docs.documents import section
from tests.docs.markdown import ROOT, Block, blocks

PAGE = (ROOT / "docs" / "airflow.md").read_text("utf-8")


@pytest.mark.parametrize("block", [one for one in blocks("python") if "Operator(" in one.text], ids=str)
def test_a_task_of_a_page_is_taken_when_its_dag_is_parsed(block: Block) -> None:
    """With its parameters checked; names of people's own modules stay text."""
    with DAG("page", schedule=None):
        exec(compile(block.text, str(block), "exec"), {"__name__": "page"})  # noqa: S102 - our own pages


def test_the_templates_are_all_there() -> None:
    said = set(re.findall(r"`([a-z_]+)`", section(PAGE, "## Templates").partition("are templates")[0]))
    connections = {"kafka_conn_id", "gcp_conn_id", "schema_registry_conn_id"}
    assert said | connections == set(KafkaToBigQueryOperator.template_fields)


def test_the_extras_are_all_there() -> None:
    rows = "".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    said = {name for cell in re.findall(r"\| ((?:`\w+`(?:, )?)+) \|", rows) for name in re.findall(r"\w+", cell)}
    known = {*google_cloud._SETTINGS, *google_cloud._ONLY_PROVIDER, "credential_config_file", "impersonation_chain"}
    assert said == known


def test_the_links_are_all_there() -> None:
    (line,) = (line for line in section(PAGE, "## What a task tells").splitlines() if line.startswith("- Links"))
    assert re.findall(r"`([^`]+)`", line) == [link.name for link in LINKS]
