"""Every statement as a file to read; ``UPDATE_GOLDEN=1 pytest tests/bigquery/test_golden.py`` writes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot

from tests.bigquery.cases import Case
from tests.bigquery.googlesql import Analyzer, analyzer, started, statements
from tests.bigquery.layout_cases import ALL

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = pytest.mark.parametrize("case", ALL.values(), ids=ALL.keys())


@pytest.fixture(scope="module")
def judge() -> Iterator[Analyzer]:
    program = analyzer()
    if program is None:
        pytest.skip("gsqllint is not built (make gsqllint; needs Go)")
    with started(program) as running:
        yield running


@CASES
def test_the_text_is_the_golden_one(case: Case) -> None:
    path = GOLDEN / f"{case.name}.sql"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(case.text + "\n", encoding="utf-8")
    assert case.text + "\n" == path.read_text(encoding="utf-8")


def test_every_golden_file_has_a_case() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.sql")) == sorted(ALL)


@CASES
def test_sqlglot_reads_it(case: Case) -> None:
    for statement in statements(case.text):
        assert sqlglot.parse_one(statement, read="bigquery").sql("bigquery")


@CASES
def test_googlesql_takes_it(case: Case, judge: Analyzer) -> None:
    refused = {text: judge.refusal(text, case.tables) for text in statements(case.text)}
    assert {text: reason for text, reason in refused.items() if reason} == {}


def test_googlesql_refuses_what_bigquery_refuses(judge: Analyzer) -> None:
    tables = ALL["keep"].tables
    merge = statements(ALL["keep"].text)[3]
    assert "MERGE" in merge
    assert judge.refusal(merge, tables) is None
    for broken in (
        merge.replace("R.`total`", "R.`totals`"),
        merge.replace("S.`total`,", "S.`order_id`,"),
        merge.replace("T.`order_id` = S.`order_id`", "T.`order_id` = S.`sequence`"),
        merge.replace("`analytics`.`orders` T", "`analytics`.`order` T"),
        merge.replace("WHEN NOT", "WHEN NO"),
    ):
        assert broken != merge
        assert judge.refusal(broken, tables) is not None, broken
