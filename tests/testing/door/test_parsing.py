"""What the emulator is given as parsed is always as fresh as what it parses itself."""

from __future__ import annotations

from typing import Any

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError

from airflow_kafka_bq.testing.bigquery.door import parsing

SQL = "SELECT a FROM `demo.d.t` WHERE b = 1"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that were really parsed, in their order."""
    texts: list[str] = []

    def parse(dialect: Any, sql: str, **options: Any) -> Any:
        texts.append(sql)
        return real(dialect, sql, **options)

    real = parsing._parse
    monkeypatch.setattr(parsing, "_parse", parse)
    monkeypatch.setattr(Dialect, "parse", real)  # put back behind the test
    parsing.set_up()
    return texts


def test_a_text_is_parsed_once_and_each_caller_has_a_tree_of_its_own(parsed: list[str]) -> None:
    first = sqlglot.parse_one(SQL, read="bigquery")
    fresh = first.sql("bigquery")
    for table in first.find_all(exp.Table):
        table.replace(exp.to_table("other"))
    assert sqlglot.parse_one(SQL, read="bigquery").sql("bigquery") == fresh
    assert parsed == [SQL]


def test_dialects_and_options_are_told_apart(parsed: list[str]) -> None:
    quoted, two = 'SELECT "a"', "SELECT 1;;SELECT 2"
    kinds = {type(sqlglot.parse_one(quoted, read=name).expressions[0]) for name in ("bigquery", "duckdb")}
    assert kinds == {exp.Literal, exp.Column}
    assert sqlglot.parse(two, read="bigquery") == sqlglot.parse(two, read="bigquery")
    sqlglot.parse_one(quoted, read="bigquery", error_level=sqlglot.ErrorLevel.RAISE)
    assert [text for text in parsed if text in {quoted, two}] == [quoted, quoted, two, quoted]


def test_what_is_wrong_is_told_every_time(parsed: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(ParseError):
            sqlglot.parse_one("SELECT FROM WHERE (", read="bigquery")
    assert len(parsed) == 2


def test_little_is_kept(parsed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_KEPT", 2)
    for text in ("SELECT 1", "SELECT 2", "SELECT 1", "SELECT 3", "SELECT 1", "SELECT 2"):
        sqlglot.parse_one(text, read="bigquery")
    assert parsed == ["SELECT 1", "SELECT 2", "SELECT 3", "SELECT 2"]
    long = f"SELECT '{'x' * parsing._LONGEST}'"
    for _ in range(2):
        sqlglot.parse_one(long, read="bigquery")
    assert parsed[-2:] == [long, long]
