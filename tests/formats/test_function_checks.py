"""Which functions a job may have, found out before the first message."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pytest

from airflow_kafka_bq import per_record
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.function_checks import check_functions


def on_table(rows: pa.Table) -> pa.Table:
    return rows


def unsaid(rows):  # type: ignore[no-untyped-def]
    return rows


def on_dict(record: dict[str, Any]) -> dict[str, Any]:
    return record


def on_mapping(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return record or None


@per_record
def marked(record: dict[str, Any]) -> dict[str, Any] | None:
    return record if record else None


@per_record
def marked_unsaid(record):  # type: ignore[no-untyped-def]
    return record


@per_record
def marked_with_more(record: dict[str, Any], more: int = 1, *rest: int) -> dict[str, Any]:
    return {**record, "more": (more, rest)}


class Callee:
    """An object that is called."""

    @per_record
    def __call__(self, record: dict[str, Any]) -> dict[str, Any]:
        return record

    @per_record
    def method(self, record: dict[str, Any]) -> dict[str, Any]:
        return record


class TableCallee:
    """An object that is called with a batch."""

    def __call__(self, rows: pa.Table) -> pa.Table:
        return rows


@pytest.mark.parametrize(
    "function",
    [
        None, on_table, unsaid, len, TableCallee(), lambda rows: rows, marked, marked_unsaid, marked_with_more,
        Callee(), Callee().method, per_record(lambda record: record), functools.partial(marked_with_more, more=2),
        per_record(functools.partial(on_dict)),
    ],
)  # fmt: skip
def test_functions_that_are_taken(function: Any) -> None:
    check_functions(function, None)


@pytest.mark.parametrize("function", [on_table, unsaid, lambda rows: rows, TableCallee(), None])
def test_filters_that_are_taken(function: Any) -> None:
    check_functions(None, function)


@pytest.mark.parametrize("function", [on_dict, on_mapping, functools.partial(on_dict)])
def test_a_function_on_a_mapping_without_the_mark(function: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"transform .* takes a mapping, and is called with a pyarrow\.Table"
    ) as error:
        check_functions(function, None)
    assert "from airflow_kafka_bq import per_record" in str(error.value.remedy)
    with pytest.raises(ConfigError, match=r"filter .* takes a mapping"):
        check_functions(None, function)


def test_a_function_on_a_table_with_the_mark() -> None:
    @per_record
    def wrong(rows: pa.Table) -> pa.Table:
        return rows

    with pytest.raises(ConfigError, match=r"transform .*wrong is marked @per_record, and takes a Table"):
        check_functions(wrong, None)


def test_a_filter_is_called_with_a_batch() -> None:
    with pytest.raises(ConfigError, match=r"filter .*marked_unsaid is marked @per_record: it is called with a batch"):
        check_functions(None, marked_unsaid)


def test_a_forgotten_return_would_leave_everything_out() -> None:
    @per_record
    def forgot(record: dict[str, Any]) -> None:
        record["a"] = 1

        def inner() -> int:
            return 5

        inner()
        return None

    with pytest.raises(ConfigError, match="forgot returns nothing: each message would be left out"):
        check_functions(forgot, None)


def test_functions_that_give_no_result() -> None:
    async def later(record: Any) -> Any:
        return record

    def many(record: Any) -> Iterator[Any]:
        yield record

    for function in (later, many):
        with pytest.raises(ConfigError, match="coroutine or a generator"):
            check_functions(function, None)


@pytest.mark.parametrize("function", [lambda: 1, lambda a, b: (a, b), lambda *, record: record])
def test_functions_that_take_no_single_argument(function: Any) -> None:
    with pytest.raises(ConfigError, match="cannot be called with one argument"):
        check_functions(per_record(function), None)
