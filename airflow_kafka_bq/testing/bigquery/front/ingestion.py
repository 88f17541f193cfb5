"""Tables by ingestion time: BigQuery's own column of theirs is one more column here, which no star shows.

https://cloud.google.com/bigquery/docs/querying-partitioned-tables#query_an_ingestion-time_partitioned_table
"""

from __future__ import annotations

from sqlglot import exp

from airflow_kafka_bq.testing.bigquery.front.catalog import Catalog
from airflow_kafka_bq.testing.bigquery.front.door import Key
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError
from airflow_kafka_bq.testing.bigquery.front.statements import Statement, key_of

INGESTION_TIME = "_PARTITIONTIME"
STORED = "__partition_time"
"""What the emulator's table calls it; filled by its default."""
_DATE = "_PARTITIONDATE"


def played(statement: Statement, catalog: Catalog) -> Statement:
    """The statement as the emulator takes it; the same one where no table by ingestion time is read or written."""
    ours = {key for key in statement.reads if _by_ingestion(key, catalog)}
    if not ours:
        return statement
    tree = statement.tree.copy()
    for select in list(tree.find_all(exp.Select)):
        if any(_key(table) in ours for table in _tables(select)):
            _hide(select)
    if isinstance(tree, exp.Insert) and isinstance(tree.this, exp.Table) and _key(tree.this) in ours:
        fields = catalog.get(key_of(tree.this))["schema"]["fields"]
        listed = [exp.to_identifier(field["name"], quoted=True) for field in fields]
        tree.set("this", exp.Schema(this=tree.this, expressions=listed))
    return statement.with_tree(tree.transform(_stored))


def _by_ingestion(key: Key, catalog: Catalog) -> bool:
    try:
        found = catalog.find(key)
    except BigQueryError:
        return False
    time = (found or {}).get("timePartitioning")
    return time is not None and not time.get("field")


def _key(table: exp.Table) -> Key | None:
    return key_of(table) if table.db else None


def _tables(select: exp.Select) -> list[exp.Table]:
    """Those that this SELECT itself reads, not the ones of its subqueries."""
    return [table for table in select.find_all(exp.Table) if table.find_ancestor(exp.Select) is select]


def _hide(select: exp.Select) -> None:
    for shown in select.expressions:
        star = shown if isinstance(shown, exp.Star) else shown.this if isinstance(shown, exp.Column) else None
        if isinstance(star, exp.Star):
            star.set("except_", [*(star.args.get("except_") or []), exp.to_identifier(STORED)])


def _stored(node: exp.Expr) -> exp.Expr:
    name = node.name.upper() if isinstance(node, exp.Column | exp.Identifier) else ""
    if isinstance(node, exp.Column) and name == _DATE:
        return exp.cast(exp.column(STORED, table=node.args.get("table")), exp.DataType.build("DATE"))
    if isinstance(node, exp.Identifier) and name == INGESTION_TIME:
        return exp.to_identifier(STORED)
    return node
