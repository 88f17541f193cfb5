"""What a statement scans of each table: which columns, under which conditions, and whether it rewrites rows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from airflow_kafka_bq.testing.bigquery.front.door import Key
from airflow_kafka_bq.testing.bigquery.front.statements import Statement, key_of, matched_branches


@dataclass(frozen=True)
class Scan:
    """One table as one part of a statement reads it.

    Attributes:
        key: The table.
        alias: Its name in the statement.
        conditions: Conditions that every row read must satisfy; a scan without any reads all partitions.
        columns: Lower-case names referenced; None for all.
        rewrites: True if rows that are there are updated or deleted: then whole partitions are counted, too.
    """

    key: Key
    alias: str
    conditions: tuple[exp.Expr, ...]
    columns: frozenset[str] | None
    rewrites: bool = False


def scans_of(statement: Statement) -> list[Scan]:
    """Every scan of a statement. Tables that are only inserted into, created or dropped are not scanned."""
    tree = statement.tree.copy()
    _forget_written_names(tree)
    scans = []
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or not table.db or "INFORMATION_SCHEMA" in table.sql().upper():
            continue
        if table is _written(tree):
            if isinstance(tree, exp.Merge | exp.Update | exp.Delete):
                scans.append(_target_scan(tree, table))
            continue
        scans.append(_read_scan(tree, table))
    return scans


def _written(tree: exp.Expr) -> exp.Table | None:
    if isinstance(tree, exp.Merge | exp.Update | exp.Delete | exp.Insert | exp.Create | exp.Alter):
        this = tree.this
        return this if isinstance(this, exp.Table) else this.find(exp.Table)
    if isinstance(tree, exp.Drop):
        found: exp.Table | None = tree.find(exp.Table)
        return found
    return None


def _forget_written_names(tree: exp.Expr) -> None:
    """Take out names that are written, not read: INSERT's column list, and the left side of SET."""
    for insert in list(tree.find_all(exp.Insert)):
        if isinstance(insert.this, exp.Tuple):
            insert.set("this", None)
    for update in tree.find_all(exp.Update):
        for pair in update.expressions:
            if isinstance(pair, exp.EQ):
                pair.set("this", exp.null())


def _target_scan(tree: exp.Expr, table: exp.Table) -> Scan:
    alias = table.alias_or_name
    columns = _columns(tree, alias, tree)
    if not isinstance(tree, exp.Merge):
        where = tree.args.get("where")
        return Scan(key_of(table), alias, (where.this,) if where else (), columns, rewrites=True)
    branches = matched_branches(tree)
    by_source = [when for when in branches if when.args.get("source")]
    searches = [when.args.get("condition") for when in branches]
    conditions: list[exp.Expr] = []
    if not by_source:
        # The join condition does not hold for rows that no source row matched: only then may it prune.
        conditions.append(tree.args["on"])
    insert_only = not branches
    if searches and all(search is not None for search in searches):
        conditions.append(exp.or_(*[search.copy() for search in searches if search is not None]))
    return Scan(key_of(table), alias, tuple(conditions), columns, rewrites=not insert_only)


def _read_scan(tree: exp.Expr, table: exp.Table) -> Scan:
    alias = table.alias_or_name
    select = table.find_ancestor(exp.Select)
    if select is None:
        # The source of a MERGE, named bare: all of it is read.
        return Scan(key_of(table), alias, (), _columns(tree, alias, tree))
    conditions: list[exp.Expr] = []
    where = select.args.get("where")
    if where is not None:
        conditions.append(where.this)
    for join in select.args.get("joins") or []:
        outer = join.side or join.kind in {"LEFT", "RIGHT", "FULL"}
        if join.args.get("on") is not None and not outer:
            conditions.append(join.args["on"])
    return Scan(key_of(table), alias, tuple(conditions), _columns(select, alias, tree))


def _columns(scope: exp.Expr, alias: str, tree: exp.Expr) -> frozenset[str] | None:
    names: set[str] = set()
    for star in scope.find_all(exp.Star):
        parent = star.parent
        if parent is scope or (isinstance(parent, exp.Column) and parent.table.lower() == alias.lower()):
            return None
    for column in tree.find_all(exp.Column):
        if column.table.lower() == alias.lower() or not column.table:
            names.add(column.name.lower())
        else:
            # `items.price` of a table without an alias: the first word is the column.
            names.add(column.table.lower())
    return frozenset(names)
