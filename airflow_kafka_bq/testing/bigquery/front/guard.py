"""What BigQuery refuses about a MERGE at run time and the emulator lets pass."""

from __future__ import annotations

from sqlglot import exp

from airflow_kafka_bq.testing.bigquery.front.door import Session
from airflow_kafka_bq.testing.bigquery.front.errors import invalid_query
from airflow_kafka_bq.testing.bigquery.front.statements import Statement, matched_branches

_MESSAGE = "UPDATE/MERGE must match at most one source row for each target row"


def check_merge(session: Session, project: str, statement: Statement) -> None:
    """Refuse a MERGE in which a target row would be updated or deleted by more than one source row.

    An insert-only MERGE is not looked at: it inserts every source row that matches nothing, doubled ones too.
    https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement

    Raises:
        BigQueryError: 400 invalidQuery.
    """
    branches = [when for when in matched_branches(statement.tree) if when.args.get("matched")]
    if not branches:
        return
    merge = statement.tree
    target = merge.this.copy()
    if not target.alias:
        target = exp.alias_(target, statement.tree.this.name, table=True)
    row = exp.column("rowid", table=target.alias)
    query = (
        exp.select(exp.alias_(row, "target_row"))
        .from_(target)
        .join(merge.args["using"].copy(), on=merge.args["on"].copy(), join_type="inner")
        .group_by(row.copy())
        .having("COUNT(*) > 1")
        .limit(1)
    )
    conditions = [when.args.get("condition") for when in branches]
    if all(condition is not None for condition in conditions):
        query = query.where(exp.or_(*[condition.copy() for condition in conditions if condition is not None]))
    if session.run(project, query.sql("bigquery"), "query")["total_rows"]:
        raise invalid_query(f"{_MESSAGE} at {statement.place}")
