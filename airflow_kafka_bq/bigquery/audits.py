"""``inspection.Audits`` on BigQuery: each read is dry-run, and runs with the same limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from airflow_kafka_bq.batch import Absence, Absent, OffsetRange
from airflow_kafka_bq.bigquery import auditing, comparing
from airflow_kafka_bq.bigquery.jobs import ONCE, Jobs
from airflow_kafka_bq.bigquery.statements import Statements
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.exceptions import CostLimitError, NotFoundError
from airflow_kafka_bq.inspection import DayCount, Duplicates, Examples, Leftover, Scan, Shortage, Strays, Surplus
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.target import Target


class BigQueryAudits:
    """Reads of one warehouse. See :class:`airflow_kafka_bq.inspection.Audits`."""

    def __init__(self, jobs: Jobs, statements: Statements) -> None:
        self._jobs, self._statements = jobs, statements
        self.estimated_bytes = 0

    def duplicates(self, scan: Scan, max_bytes_billed: int | None) -> Duplicates:
        """Rows, and those that are there more than once."""
        found = self.priced(auditing.duplicates(scan), scan.target.table, max_bytes_billed)
        return counted(found, coordinates=scan.target.kafka_columns)

    def examples(self, scan: Scan, most: int, max_bytes_billed: int | None) -> Examples:
        """Dedup keys with most rows."""
        found = self.priced(auditing.examples(scan, most), scan.target.table, max_bytes_billed)
        return tuple(({name: row[f"k{at}"] for at, name in enumerate(scan.target.key)}, row["n"]) for row in found)

    def covered(self, target: Target, pipeline: str, *, live: bool = False) -> tuple[OffsetRange, ...]:
        """What the batches have read."""
        return self._ranges(auditing.covered(target, pipeline, live=live), target.history)

    def skipped(self, target: Target, pipeline: str) -> tuple[OffsetRange, ...]:
        """What a seek moved the position over."""
        return self._ranges(auditing.skipped(target, pipeline), target.history)

    def lost(self, target: Target, topic: str) -> tuple[OffsetRange, ...]:
        """Ranges that Kafka no longer had."""
        return self._ranges(auditing.lost(target, topic), target.dead_letters)

    def _ranges(self, statement: str, table: TableId) -> tuple[OffsetRange, ...]:
        try:
            found = self._statements.rows(statement, table)
        except NotFoundError:
            self._statements.location_of(table)  # a missing dataset is an error, a missing table is not
            return ()
        return tuple(OffsetRange(row["partition"], row["start_offset"], row["end_offset"]) for row in found)

    def shortages(
        self, scan: Scan, topic: str, pipeline: str, block: int, most: int, max_bytes_billed: int | None
    ) -> tuple[Shortage, ...]:
        """Batches of which messages are missing."""
        statement = auditing.shortages(scan, topic, pipeline, block, most)
        found = self.priced(statement, scan.target.table, max_bytes_billed)
        return tuple(Shortage(**row) for row in found)

    def strays(
        self,
        scan: Scan,
        topic: str,
        covered: Sequence[OffsetRange],
        firsts: Mapping[int, int],
        max_bytes_billed: int | None,
    ) -> tuple[Strays, ...]:
        """Rows whose offsets no range holds."""
        found = self.priced(auditing.strays(scan, topic, covered, firsts), scan.target.table, max_bytes_billed)
        return tuple(
            Strays(row["part"], row["first_offset"], row["last_offset"], row["n"], row["early"]) for row in found
        )

    def absent(self, spec: MergeSpec, most: int, max_bytes_billed: int | None) -> Absence:
        """What a MERGE would insert or replace."""
        found = self.priced(comparing.absent(spec, most), spec.target.table, max_bytes_billed)
        places = (
            Absent({name: row[f"k{at}"] for at, name in enumerate(spec.target.key)}, row["part"], row["at_offset"],
                   row["missing"])
            for row in found
        )  # fmt: skip
        return Absence(found[0]["all_missing"], found[0]["all_older"], tuple(places)) if found else Absence()

    def leftovers(self, target: Target) -> tuple[Leftover, ...]:
        """Staging tables that are there: the dataset's list, which names only what is younger than its expiry."""
        like = target.staging("")
        where = f"{like.project}.{like.dataset}"

        def listed(seconds: float) -> list[Leftover]:
            tables = self._jobs.client.list_tables(where, retry=ONCE, timeout=seconds)
            ours = (one for one in tables if one.table_id.startswith(like.table))
            return [Leftover(f"{where}.{one.table_id}", one.created, one.expires) for one in ours]

        return tuple(sorted(self._jobs.call(f"tables of {where}", listed), key=lambda one: one.table))

    def batches_since(self, target: Target, since: datetime) -> int:
        """How many batches were applied since then."""
        try:
            found = self._statements.rows(auditing.batches_since(target, since), target.history)
        except NotFoundError:
            return 0
        return int(found[0]["n"])

    def priced(self, statement: str, table: TableId, max_bytes_billed: int | None) -> list[Mapping[str, Any]]:
        """Priced before it runs. :raises CostLimitError: it would bill more than allowed."""
        needed = self._statements.dry_run(statement, table)
        if max_bytes_billed is not None and needed > max_bytes_billed:
            message = f"reading table {table} would process {needed} bytes, max_bytes_billed allows {max_bytes_billed}"
            raise CostLimitError(message, remedy="look at fewer days with --from and --to, or raise max_bytes_billed")
        self.estimated_bytes += needed
        return self._statements.rows(statement, table, max_bytes_billed)


def counted(found: Iterable[Mapping[str, Any]], *, coordinates: bool) -> Duplicates:
    """Lines of ``auditing.duplicates`` (what, day, groups, rows) as one value."""
    groups: dict[str, int] = {}
    rows: dict[str, int] = {}
    days: dict[date | None, dict[str, int]] = {}
    for line in found:
        what, number = line["what"], line["n"]
        groups[what] = groups.get(what, 0) + line["groups_found"]
        rows[what] = rows.get(what, 0) + number
        if what in {"rows", "by_key"}:
            days.setdefault(line["day"], {})[what] = number
    surplus = {what: Surplus(groups.get(what, 0), rows.get(what, 0)) for what in ("by_key", "by_coordinates", "copies")}
    return Duplicates(
        rows=rows.get("rows", 0),
        null_keys=rows.get("null_keys", 0),
        by_key=surplus["by_key"],
        by_coordinates=surplus["by_coordinates"] if coordinates else None,
        copies=surplus["copies"],
        days=tuple(
            DayCount(day, counts.get("rows", 0), counts.get("by_key", 0))
            for day, counts in sorted(days.items(), key=lambda pair: (pair[0] is not None, pair[0] or date.min))
        ),
    )
