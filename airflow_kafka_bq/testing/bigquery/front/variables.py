"""Script variables: DECLARE and SET of single values, put into later statements as constants."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from airflow_kafka_bq.testing.bigquery.front.errors import invalid_query
from airflow_kafka_bq.testing.bigquery.front.statements import Statement

#: Value of an expression as text; None for NULL.
Evaluate = Callable[[str], str | None]


class Variables:
    """The variables of one script."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[exp.DataType, str | None]] = {}

    def run(self, statement: Statement, evaluate: Evaluate) -> None:
        """Carry out a DECLARE or SET.

        Raises:
            BigQueryError: 400: no type, an unknown name, or more than one value at once.
        """
        if statement.kind == "DECLARE":
            for item in statement.tree.expressions:
                self._declare(item, statement, evaluate)
            return
        for item in statement.tree.expressions:
            pair = item.this
            name = pair.this.name.lower() if isinstance(pair, exp.EQ) else ""
            if name not in self._known:
                raise invalid_query(f"Undeclared variable: {name} at {statement.place}")
            self._keep(name, self._known[name][0], pair.expression, evaluate)

    def _declare(self, item: exp.Expr, statement: Statement, evaluate: Evaluate) -> None:
        kind, default = item.args.get("kind"), item.args.get("default")
        if not isinstance(kind, exp.DataType):
            raise invalid_query(f"The strict front needs the type of a declared variable at {statement.place}")
        names = item.this if isinstance(item.this, list) else [item.this]
        for name in names:
            self._keep(name.name.lower(), kind, default or exp.null(), evaluate)

    def _keep(self, name: str, kind: exp.DataType, value: exp.Expr, evaluate: Evaluate) -> None:
        given = exp.cast(exp.cast(self.replace(value.copy()), kind), exp.DataType.build("STRING", dialect="bigquery"))
        self._known[name] = kind, evaluate(exp.select(given).sql("bigquery"))

    def replace(self, tree: exp.Expr) -> exp.Expr:
        """The tree with every variable's value in its place. A column of the same name loses, as script rules are kept
        simple here: declare names that no table has.
        """

        def constant(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.Column) or node.table or node.name.lower() not in self._known:
                return node
            kind, value = self._known[node.name.lower()]
            literal = exp.null() if value is None else exp.Literal.string(value)
            return exp.cast(literal, kind.copy())

        return tree.transform(constant) if self._known else tree
