"""``inspection.Repairs`` on BigQuery: one script job per part, under an id of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.cloud import bigquery

from airflow_kafka_bq.batch import JobResult
from airflow_kafka_bq.bigquery import repairing
from airflow_kafka_bq.bigquery.audits import BigQueryAudits
from airflow_kafka_bq.bigquery.jobs import ONCE, Jobs
from airflow_kafka_bq.bigquery.statements import Statements
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.inspection import BackedUp, Doubled, RepairSpec, Scan
from airflow_kafka_bq.schema.target import Target


class BigQueryRepairs:
    """Repairs of one warehouse. See :class:`airflow_kafka_bq.inspection.Repairs`."""

    def __init__(self, client: bigquery.Client, jobs: Jobs, statements: Statements, audits: BigQueryAudits) -> None:
        self._client, self._jobs, self._statements, self._audits = client, jobs, statements, audits

    def doubled(self, scan: Scan, max_bytes_billed: int | None) -> tuple[Doubled, ...]:
        """Where the duplicates lie."""
        found = self._audits.priced(repairing.doubled(scan), scan.target.table, max_bytes_billed)
        return together(found)

    def make_backup(self, target: Target, backup: TableId, expires_at: datetime) -> None:
        """Through the API: no DDL statement gives a table the policy tags of another one."""

        def create(seconds: float) -> None:
            there = self._client.get_table(str(target.table), retry=ONCE, timeout=seconds)
            ours = [
                bigquery.SchemaField(repairing.PART, "STRING", description="Partition of the table that was repaired"),
                bigquery.SchemaField(repairing.KEPT, "BOOL", description="The row stayed in the table"),
            ]
            table = bigquery.Table(str(backup), schema=[*there.schema, *ours])
            table.expires = expires_at
            table.labels = dict(target.labels)
            table.encryption_configuration = there.encryption_configuration
            self._client.create_table(table, exists_ok=True, retry=ONCE, timeout=seconds)

        self._jobs.call(f"backup {backup}", create)

    def estimate(self, spec: RepairSpec) -> int:
        """What reads the rows, and what rewrites their partitions."""
        return sum(self._statements.dry_run(one, spec.target.table) for one in repairing.priced(spec))

    def remove(self, job_id: str, spec: RepairSpec, max_bytes_billed: int | None) -> JobResult:
        """Backup and removal in one transaction."""
        return self._statements.script(job_id, repairing.remove(spec), spec.target, max_bytes_billed)

    def backed_up(self, backup: TableId) -> tuple[BackedUp, ...]:
        """What a backup holds."""
        found = self._statements.rows(repairing.backed_up(backup.quoted), backup)
        return tuple(BackedUp(row["part"], row["kept"], row["removed"]) for row in found)

    def restore(self, job_id: str, spec: RepairSpec, max_bytes_billed: int | None) -> JobResult:
        """Rows back into the table, in one transaction."""
        return self._statements.script(job_id, repairing.restore(spec), spec.target, max_bytes_billed)


def together(found: list[Mapping[str, Any]]) -> tuple[Doubled, ...]:
    """Lines of ``repairing.doubled`` (first, part, rows, keys) as one value for each first partition."""
    parts: dict[Any, list[Mapping[str, Any]]] = {}
    for line in found:
        parts.setdefault(line["first"], []).append(line)
    return tuple(
        Doubled(
            first,
            tuple(line["part"] for line in lines),
            sum(line["keys_found"] for line in lines),
            sum(line["n"] for line in lines),
        )
        for first, lines in parts.items()
    )
