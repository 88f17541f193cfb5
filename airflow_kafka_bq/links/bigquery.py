"""Target table, MERGE job and staging load job of a task.

Airflow keeps a link's address as an XCom and asks the operator for it when the task ends. The operator pushes it as
soon as it knows it, so that the link works while the task runs.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow_kafka_bq._airflow import BaseOperator, BaseOperatorLink

_CONSOLE = "https://console.cloud.google.com/bigquery"


def table_url(project: str, dataset: str, table: str) -> str:
    """A table's page in the console."""
    return f"{_CONSOLE}?p={quote(project)}&d={quote(dataset)}&t={quote(table)}&page=table"


def job_url(project: str, location: str | None, job_id: str) -> str:
    """A job's page in the console; jobs outside US and EU are found with their location only."""
    return f"{_CONSOLE}?project={quote(project)}&j=bq:{quote(location or 'US')}:{quote(job_id)}&page=queryresults"


class _Link(BaseOperatorLink):
    """What the operator that ran noted under the link's key; empty where it came to nothing."""

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Address; asked on the worker when the task ends."""
        del ti_key
        return str(getattr(operator, "link_addresses", {}).get(self.xcom_key, ""))


class TargetTableLink(_Link):
    """The table that the task fills."""

    name = "BigQuery table"

    @property
    def xcom_key(self) -> str:
        """Where Airflow keeps the address."""
        return "kafka_bq_target_table"


class MergeJobLink(_Link):
    """The latest MERGE of the task."""

    name = "MERGE job"

    @property
    def xcom_key(self) -> str:
        """Where Airflow keeps the address."""
        return "kafka_bq_merge_job"


class LoadJobLink(_Link):
    """The load job that staged what is merged."""

    name = "Staging load job"

    @property
    def xcom_key(self) -> str:
        """Where Airflow keeps the address."""
        return "kafka_bq_load_job"


LINKS = (TargetTableLink(), MergeJobLink(), LoadJobLink())
