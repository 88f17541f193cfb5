from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlglot
from sqlglot import exp

from airflow_kafka_bq.batch import ColumnBounds
from airflow_kafka_bq.bigquery import sql
from airflow_kafka_bq.bigquery.bounded import bounded
from airflow_kafka_bq.bigquery.literals import literal, text
from tests.bigquery.cases import wide
from tests.bigquery.googlesql import statements
from tests.bigquery.layout_cases import ALL
from tests.bigquery.targets import JOB

QUERY_BYTES = 1024 * 1024  # https://cloud.google.com/bigquery/quotas#query_jobs : unresolved GoogleSQL query length


def _merges() -> Iterator[tuple[str, exp.Merge]]:
    for case in ALL.values():
        for statement in statements(case.text):
            if statement.startswith("MERGE"):
                tree = sqlglot.parse_one(statement, read="bigquery")
                assert isinstance(tree, exp.Merge)
                yield case.name, tree


EVERY = list(_merges())
TREES = [(name, tree) for name, tree in EVERY if name != "mark_copied"]  # of no batch
OF_LETTERS = [(name, tree) for name, tree in TREES if "dead_letters" in tree.this.sql("bigquery")]
OF_ROWS = [pair for pair in TREES if pair not in OF_LETTERS]
MERGES = pytest.mark.parametrize("merge", [pytest.param(tree, id=name) for name, tree in TREES])


def of_target(merge: exp.Merge) -> Iterator[exp.Column]:
    return (column for column in merge.args["on"].find_all(exp.Column) if column.table == "T")


def is_literal(expression: object) -> bool:
    typed = expression.this if isinstance(expression, exp.Cast | exp.Neg) else expression  # DATE '…', -1
    return isinstance(typed, exp.Literal | exp.Boolean)


@MERGES
def test_a_target_column_meets_its_key_or_literals_only(merge: exp.Merge) -> None:
    for column in of_target(merge):
        condition = column.parent
        assert condition is not None
        assert condition.this is column, "isolated on the left side"
        others = [one for one in condition.iter_expressions() if one is not column]
        if isinstance(condition, exp.EQ):
            assert others == [exp.column(exp.to_identifier(column.name, quoted=True), "S")]
        elif isinstance(condition, exp.Is):
            assert others == [exp.null()]
        elif column.name == "expires_at":  # of a delete marker; a constant function prunes as a literal does
            assert isinstance(condition, exp.GT)
            assert isinstance(others[0], exp.CurrentTimestamp)
        else:
            assert isinstance(condition, exp.In | exp.Between | exp.GTE | exp.LT)
            assert others
            assert all(map(is_literal, others)), condition.sql("bigquery")


@pytest.mark.parametrize(("name", "merge"), TREES)
def test_nothing_is_ever_deleted_but_by_the_job_that_says_so(name: str, merge: exp.Merge) -> None:
    branches = merge.args["whens"].expressions
    assert not any(when.args.get("source") for when in branches)
    removed = [when for when in branches if isinstance(when.args["then"], exp.Var)]  # THEN DELETE
    assert not removed or name.startswith(("delete", "empty_source_delete", "together_delete")), name
    assert all(when.args["matched"] and when.args["condition"].find(exp.GT) for when in removed)


@pytest.mark.parametrize("name", [name for name in ALL if not re.search("update|soft|too|delete", name)])
def test_keep_only_inserts(name: str) -> None:
    for tree in [tree for case, tree in OF_ROWS if case == name]:
        assert ["INSERT" in when.sql("bigquery") for when in tree.args["whens"].expressions] == [True]
        assert "UPDATE" not in tree.sql("bigquery")


def test_letters_change_only_by_their_marks() -> None:
    """Of a live batch: only those that were redriven. Of a redrive: only those that wait, and none comes."""
    assert len(OF_LETTERS) > 4
    for name, tree in OF_LETTERS:
        branches = tree.args["whens"].expressions
        matched = [when.args["condition"].sql("bigquery") for when in branches if when.args["matched"]]
        if name.startswith("redrive"):
            assert len(branches) == len(matched) == 2
            assert all("T.`redriven_at` IS NULL AND T.`stage` <> 'lost'" in one for one in matched), matched
        else:
            assert matched == ["NOT T.`redriven_at` IS NULL"]


def test_a_copy_is_marked_once_and_nothing_else_changes() -> None:
    (tree,) = (tree for name, tree in EVERY if name == "mark_copied")
    (branch,) = tree.args["whens"].expressions
    assert "T.`copied_at` IS NULL" in branch.args["condition"].sql("bigquery")
    assert [one.this.name for one in branch.args["then"].expressions] == ["copied_at"]
    assert tree.args["on"].find(exp.Between) is not None


def test_update_needs_a_newer_row() -> None:
    updates = [when for _, tree in OF_ROWS for when in tree.args["whens"].expressions if when.args["matched"]]
    assert len(updates) > 5
    assert all(when.args["condition"].find(exp.GT) for when in updates)


@pytest.mark.parametrize(
    "name", [name for name in ALL if name.startswith(("immutable", "null_partition", "many_disj"))]
)
def test_the_partition_column_is_bounded(name: str) -> None:
    on = next(tree.args["on"].sql("bigquery") for case, tree in TREES if case == name)
    assert "IS NOT NULL" not in on
    assert "created" in on or "day" in on


def test_the_script_of_a_very_wide_topic_fits() -> None:
    found = sql.script(wide(), JOB)
    assert 200_000 < len(found.encode()) < QUERY_BYTES


def test_an_empty_bound_says_nothing_and_null_alone_says_null() -> None:
    assert bounded(ColumnBounds("c", ()), half_open=True) == ""
    assert bounded(ColumnBounds("c", (), has_null=True), half_open=True) == "T.`c` IS NULL"
    assert bounded(ColumnBounds("c", ((1, 2), (5, None)), has_null=True), half_open=True) == (
        "((T.`c` >= 1 AND T.`c` < 2) OR T.`c` >= 5 OR T.`c` IS NULL)"
    )


CORPUS = [
    "", "'", "''", "\\", "\\'", "`", ";", "'; DROP TABLE t; --", "/* */ -- #",
    "line\nline\r\n\ttab", "\x00\x01\x1f\x7f",
    "\u2028\u2029\u202e", "ключ 鍵 🔑", "x" * 300, "${x} {x} %s @x @@x ?", "'''", '"""', "\\n", "b'\\x00'", "\ufeff",
]  # fmt: skip


@pytest.mark.parametrize("value", CORPUS)
def test_a_text_stays_one_literal(value: str) -> None:
    tree = sqlglot.parse_one(f"SELECT {text(value)} AS a, 1 AS b", read="bigquery")
    assert isinstance(tree, exp.Select)
    assert [one.alias for one in tree.selects] == ["a", "b"]
    assert isinstance(tree.selects[0].this, exp.Literal)
    assert "\n" not in text(value)
    assert statements(f"SELECT {text(value)}; SELECT 2") == [f"SELECT {text(value)}", "SELECT 2"]


def test_what_has_no_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="no literal for float"):
        literal(0.1)
