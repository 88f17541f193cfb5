"""Cuts a script into statements and says what each one is, reads and writes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from airflow_kafka_bq.testing.bigquery.front.door import Key
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid_query

_DIALECT = "bigquery"
TRANSACTION_KINDS = frozenset({"BEGIN_TRANSACTION", "COMMIT_TRANSACTION", "ROLLBACK_TRANSACTION"})
VARIABLE_KINDS = frozenset({"DECLARE", "SET"})
DML_KINDS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
DDL_KINDS = frozenset({"CREATE_TABLE", "CREATE_TABLE_AS_SELECT", "ALTER_TABLE", "DROP_TABLE", "CREATE_SNAPSHOT_TABLE"})


@dataclass(frozen=True)
class Statement:
    """One statement of a script.

    Attributes:
        text: Its SQL, without the semicolon.
        line: Line of its first word, from 1.
        column: Column of its first word, from 1.
        kind: BigQuery's statement type.
        tree: Parsed; table names are whole (project, dataset, table).
        target: The table it writes, if any.
        reads: Every table it names, the target too.
    """

    text: str
    line: int
    column: int
    kind: str
    tree: exp.Expr
    target: Key | None
    reads: tuple[Key, ...]

    @property
    def place(self) -> str:
        """`[line:column]`, as BigQuery's messages point at it."""
        return f"[{self.line}:{self.column}]"

    @property
    def mutates_statically(self) -> bool:
        """True if it may change or remove rows that are there: what DML conflicts and queues are about."""
        return self.kind in {"UPDATE", "DELETE"} or (self.kind == "MERGE" and bool(matched_branches(self.tree)))

    def sql(self) -> str:
        """Its SQL with whole table names, for the emulator."""
        if "INFORMATION_SCHEMA" in self.text.upper():
            # The emulator has a reader of its own for these, of the text as people write it.
            return self.text
        return self.tree.transform(_exact).sql(_DIALECT)

    def with_tree(self, tree: exp.Expr) -> Statement:
        """The same statement, rewritten."""
        return replace(self, tree=tree)


def matched_branches(merge: exp.Expr) -> list[exp.When]:
    """The branches of a MERGE that update or delete rows of the target."""
    whens = merge.args.get("whens")
    branches = whens.expressions if whens is not None else merge.expressions
    return [when for when in branches if when.args.get("matched") or when.args.get("source")]


def parse_script(sql: str, project: str, dataset: str | None = None) -> list[Statement]:
    """The statements of a script.

    Args:
        sql: One statement or several.
        project: Of names without one.
        dataset: Of names without one (`defaultDataset`).

    Raises:
        BigQueryError: 400 invalidQuery: it does not parse, or holds a kind of statement that the front does not play.
    """
    try:
        tokens = sqlglot.tokenize(sql, read=_DIALECT)
    except TokenError as error:
        raise invalid_query(f"Syntax error: {_first_line(error)}") from error
    pieces: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            pieces.append([])
        else:
            pieces[-1].append(token)
    statements = [_statement(sql, piece, project, dataset) for piece in pieces if piece]
    if not statements:
        raise invalid_query("Syntax error: Unexpected end of script")
    return statements


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _statement(sql: str, tokens: list[Token], project: str, dataset: str | None) -> Statement:
    text = sql[tokens[0].start : tokens[-1].end + 1]
    # sqlglot's columns point behind a token; the offset of its start does not lie.
    before = sql[: tokens[0].start]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    place = f"at [{line}:{column}]"
    try:
        tree = sqlglot.parse_one(text, read=_DIALECT)
    except ParseError as error:
        raise invalid_query(f"Syntax error: {_first_line(error)} {place}") from error
    kind = _kind(tree, text)
    if kind is None:
        raise invalid_query(f"The strict front does not play this kind of statement: {text[:60]!r} {place}")
    if kind == "CREATE_SNAPSHOT_TABLE":
        tree = _snapshot(text)
    _name_tables(tree, project, dataset)
    return Statement(text, line, column, kind, tree, _target(tree, kind), _tables(tree))


def _kind(tree: exp.Expr, text: str) -> str | None:
    words = text.upper().split(maxsplit=3)
    if words[:3] == ["CREATE", "SNAPSHOT", "TABLE"]:
        return "CREATE_SNAPSHOT_TABLE"
    if words == ["BEGIN"]:
        return "BEGIN_TRANSACTION"
    if isinstance(tree, exp.Create):
        if tree.kind != "TABLE":
            return None
        return "CREATE_TABLE_AS_SELECT" if tree.expression else "CREATE_TABLE"
    if isinstance(tree, exp.Drop):
        return "DROP_TABLE" if tree.kind == "TABLE" else None
    for kind, node in _KINDS:
        if isinstance(tree, node):
            return kind
    return None


_KINDS: tuple[tuple[str, type[exp.Expr]], ...] = (
    ("SELECT", exp.Query),
    ("INSERT", exp.Insert),
    ("UPDATE", exp.Update),
    ("DELETE", exp.Delete),
    ("MERGE", exp.Merge),
    ("ALTER_TABLE", exp.Alter),
    ("BEGIN_TRANSACTION", exp.Transaction),
    ("COMMIT_TRANSACTION", exp.Commit),
    ("ROLLBACK_TRANSACTION", exp.Rollback),
    ("DECLARE", exp.Declare),
    ("SET", exp.Set),
)


def _snapshot(text: str) -> exp.Expr:
    """`CREATE SNAPSHOT TABLE a CLONE b` as a copy: what differs is kept in the table's resource."""
    words, _, options = text.split(maxsplit=2)[2].partition("OPTIONS")
    tree = sqlglot.parse_one(f"CREATE {words}", read=_DIALECT)
    if options:
        described = sqlglot.parse_one(f"CREATE TABLE t (c INT64) OPTIONS {options}", read=_DIALECT)
        tree.set("properties", described.args["properties"])
    return tree


def _exact(node: exp.Expr) -> exp.Expr:
    """Casts that the emulator would round: NUMERIC needs its digits named, BIGNUMERIC a function."""
    if not isinstance(node, exp.Cast):
        return node
    if node.to.is_type(exp.DataType.Type.BIGDECIMAL):
        safe = "bq_safe_bignumeric" if isinstance(node, exp.TryCast) else "bq_bignumeric"
        return exp.Anonymous(this=safe, expressions=[exp.cast(node.this, exp.DataType.build("text"))])
    if node.to.this == exp.DataType.Type.DECIMAL and not node.to.expressions:
        if isinstance(node, exp.TryCast):
            node.set("to", exp.DataType.build("DECIMAL(38, 9)"))
        else:
            # The emulator gives this function's result all digits of a NUMERIC, whatever its argument is.
            return exp.Anonymous(this="PARSE_NUMERIC", expressions=[node.this])
    return node


def _name_tables(tree: exp.Expr, project: str, dataset: str | None) -> None:
    """Write every table's whole name into the tree, in place. Common table expressions and aliases stay."""
    local = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or "INFORMATION_SCHEMA" in table.sql().upper():
            continue
        if not table.db:
            if dataset is None or table.name.lower() in local:
                continue
            table.set("db", exp.to_identifier(dataset))
        if not table.catalog:
            table.set("catalog", exp.to_identifier(project))
        for part in ("this", "db", "catalog"):
            table.args[part].set("quoted", True)


def key_of(table: exp.Table) -> Key:
    """The table's whole name.

    Raises:
        BigQueryError: It has no dataset.
    """
    if not table.db:
        raise BigQueryError(
            "invalid", f'Table "{table.name}" must be qualified with a dataset (e.g. dataset.table).', 400
        )
    return table.catalog, table.db, table.name


def _target(tree: exp.Expr, kind: str) -> Key | None:
    if kind not in DML_KINDS and kind not in DDL_KINDS:
        return None
    this = tree.args["tables"][0] if isinstance(tree, exp.Drop) else tree.this
    table = this if isinstance(this, exp.Table) else this.find(exp.Table)
    return key_of(table)


def _tables(tree: exp.Expr) -> tuple[Key, ...]:
    """Every stored table that the statement names."""
    found: dict[Key, None] = {}
    local = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or "INFORMATION_SCHEMA" in table.sql().upper():
            continue
        if not table.db and (table.name.lower() in local or _is_column_path(table)):
            continue
        found[key_of(table)] = None
    return tuple(found)


def _is_column_path(table: exp.Table) -> bool:
    """`FROM t, t.items`: a join with an array of a row; it has no catalog of its own."""
    return bool(table.find_ancestor(exp.Unnest))
