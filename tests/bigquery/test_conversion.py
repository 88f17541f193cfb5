"""Values: what is staged is what lies in the table, to the last digit."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from airflow_kafka_bq.bigquery.conversion import converted, needs_conversion, wire_type
from airflow_kafka_bq.schema.columns import Column
from tests.bigquery.targets import TYPES, keep
from tests.contract.warehouse_world import LocalWorld
from tests.contract.workbench import Workbench, row

DAY, _TIME = date(2026, 1, 31), Column("b", "TIME")
FULL = {
    "id": 2**63 - 1,
    "f": 0.1,
    "ok": True,
    "b": bytes(range(256)),
    "d": date(1, 1, 1),
    "ts": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "n": Decimal("-99999999999999999999999999999.999999999"),
    "bn": "-0.00000000000000000000000000000000000001",
    "t": "23:59:59.999999",
    "dt": "0001-01-01T00:00:00.000001",
    "j": '{"it\'s": [1, "a`b", null, {"k": "\\u2028;--"}], "x": 1.5}',
    "tags": ["", "it's", "\u2028", "x" * 1000],
    "times": ["00:00:00", "12:34:56.000001"],
    "plain": {"a": 1, "b": None},
    "mixed": {"a": "2026-01-31T06:00:00", "b": "[]", "c": b"\x00\xff"},
    "lines": [
        {"sku": "a", "price": "1.10", "marks": ["1", '{"a": null}'], "moment": {"day": DAY, "time": "01:02:03"}},
        {"sku": None, "price": None, "marks": [], "moment": None},
    ],
}  # fmt: skip
LANDED = FULL | {
    "bn": Decimal("-0.00000000000000000000000000000000000001"),
    "t": time(23, 59, 59, 999999),
    "dt": datetime(1, 1, 1, 0, 0, 0, 1),
    "j": json.loads(FULL["j"]),  # type: ignore[arg-type]
    "times": [time(0), time(12, 34, 56, 1)],
    # Inside a STRUCT the local BigQuery shows JSON and BIGNUMERIC as text.
    "mixed": {"a": datetime(2026, 1, 31, 6), "b": "[]", "c": b"\x00\xff"},
    "lines": [
        {"sku": "a", "price": "1.1", "marks": ["1", '{"a":null}'], "moment": {"day": DAY, "time": time(1, 2, 3)}},
        {"sku": None, "price": None, "marks": [], "moment": None},
    ],
}  # fmt: skip
EMPTY, LEAST = dict.fromkeys("ab"), Decimal("1E-9")
NONE: dict[str, Any] = {name: [] if name in {"tags", "times", "lines"} else None for name in FULL}


@pytest.mark.parametrize(
    ("given", "landed"),
    [
        (FULL, LANDED),
        ({"id": 1}, NONE | {"id": 1}),
        ({"id": 2, "tags": [], "times": [], "lines": []}, NONE | {"id": 2}),
        ({"id": 3, "mixed": {}, "plain": {}}, NONE | {"id": 3, "mixed": dict.fromkeys("abc"), "plain": EMPTY}),
        ({"id": -(2**63), "b": b"", "j": "null", "f": -0.0}, NONE | {"id": -(2**63), "b": b"", "f": -0.0}),
        ({"id": 4, "ok": False, "n": LEAST, "j": '""'}, NONE | {"id": 4, "ok": False, "n": LEAST, "j": ""}),
    ],
)  # fmt: skip
def test_every_type_lands_exactly(world: LocalWorld, given: dict[str, Any], landed: dict[str, Any]) -> None:
    target = keep(*TYPES)
    bench = Workbench(world, replace(target, table=replace(target.table, project=world.project, dataset=world.dataset)))
    message = {name: value for name, value in row(None, 0).items() if name.startswith("_")}
    bench.apply({**message, **given})
    (found,) = world.rows(bench.target.table)
    assert {name: found[name] for name in FULL} == landed


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (Column("a", "STRING"), "x"),
        (Column("a", "TIME"), "CAST(x AS TIME)"),
        (Column("a", "INT64", "REPEATED"), "x"),
        (Column("a", "STRUCT", fields=(Column("b", "INT64"),)), "x"),
        (Column("a", "STRUCT", fields=(_TIME,)), "IF(x IS NULL, NULL, STRUCT(CAST(x.`b` AS TIME) AS `b`))"),
        (
            Column("a", "JSON", "REPEATED"),
            "ARRAY(SELECT PARSE_JSON(e0, wide_number_mode=>'round') FROM UNNEST(x) AS e0 WITH OFFSET AS o0 "
            "ORDER BY o0)",
        ),
    ],
)  # fmt: skip
def test_only_what_parquet_cannot_carry_is_converted(column: Column, expected: str) -> None:
    assert converted(column, "x") == expected
    assert needs_conversion(column) is (expected != "x")


def test_staged_types() -> None:
    assert wire_type(TYPES[-1]) == (
        "ARRAY<STRUCT<`sku` STRING, `price` STRING, `marks` ARRAY<STRING>, `moment` STRUCT<`day` DATE, `time` STRING>>>"
    )
