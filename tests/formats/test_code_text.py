from __future__ import annotations

import functools
import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import airflow_kafka_bq
from airflow_kafka_bq.formats.code_text import code, source


def text(thing: Any) -> str:
    return json.dumps(code(thing))


def keep(table: Any, limit: Any = 0) -> Any:
    return table, limit


def closing(value: Any) -> Callable[[], Any]:
    return lambda: value


@dataclass
class Limit:
    rows: int

    def cut(self, table: Any) -> Any:
        return table[: self.rows]

    def __call__(self, table: Any) -> Any:
        return self.cut(table)


class Slotted:
    __slots__ = ("rows",)

    def __init__(self, rows: int) -> None:
        self.rows = rows


class Settings(BaseModel):
    rows: int


@pytest.mark.parametrize(
    "make",
    [
        closing,
        lambda value: functools.partial(keep, limit=value),
        lambda value: functools.partial(keep, value),
        lambda value: functools.partial(closing(value)),
        lambda value: Limit(value).cut,
        lambda value: Limit(value),
        lambda value: closing(Slotted(value)),
        lambda value: closing(Settings(rows=value)),
        lambda value: closing({"limit": [value, (1, {value, 7})]}),
        lambda value: closing(re.compile(f"a{{{value}}}")),
        lambda value: closing(closing(value)),
        lambda value: closing(logging.getLogger(f"limit.{value}")),
    ],
)
def test_what_a_function_carries_counts(make: Callable[[int], Any]) -> None:
    assert text(make(2)) == text(make(2))
    assert text(make(2)) != text(make(3))


def test_defaults_count() -> None:
    def made(value: int) -> Any:
        def function(table: Any, first: int = value, *, second: int = 0) -> Any:
            return table, first, second

        return function

    other = made(1)
    other.__kwdefaults__ = {"second": 5}
    assert len({text(made(1)), text(made(2)), text(other)}) == 3


def test_which_of_two_equal_values_stands_where_counts() -> None:
    first, second = Slotted(1), Slotted(2)
    assert text(closing((first, second, first))) != text(closing((first, second, second)))


def test_a_function_that_closes_over_itself_ends() -> None:
    def again(depth: int) -> Any:
        return again(depth - 1) if depth else None

    assert text(again) == text(again)


def test_a_variable_that_has_no_value_yet_is_no_error() -> None:
    def early() -> Any:
        return later

    before = text(early)
    later = 1
    assert text(early) != before


def test_what_cannot_be_made_again_is_known_by_its_type() -> None:
    assert text(closing(threading.Lock())) == text(closing(threading.Lock()))
    assert text(closing(threading.Lock())) != text(closing(threading.RLock()))


def test_the_source_is_that_of_the_whole_module() -> None:
    assert source(keep) == [f"{__name__}:keep", Path(__file__).read_text("utf-8")]


def sourceless(body: str) -> Any:
    names: dict[str, Any] = {"__name__": "nowhere"}
    exec(f"class Model:\n    {body}\n", names)  # noqa: S102  # a class without source
    return names["Model"]


@pytest.mark.parametrize(
    "body",
    [
        "def f(self): return {}",
        "@classmethod\n    def f(cls): return {}",
        "@staticmethod\n    def f(): return {}",
        "@property\n    def f(self): return {}",
        "def f(self): return (lambda: {})",
        "def f(self): return self.kind in {{{}, 7}}",
    ],
)
def test_all_methods_of_a_class_without_source_count(body: str) -> None:
    one, two = (source(sourceless(body.format(number))) for number in (1, 2))
    assert one == source(sourceless(body.format(1)))
    assert one != two


SCRIPT = """
from airflow_kafka_bq.formats.code_text import code
import json
names = {"a", "b", "c", "d"}
def outer(limits, lock):
    return lambda table: (limits, lock, table in {"e", "f", "g", "h"})
print(json.dumps(code(outer([names, {"x": frozenset(names)}], object()))))
"""


def test_every_process_tells_the_same() -> None:
    root = Path(airflow_kafka_bq.__file__).parents[1]
    told = [
        subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True)
        for seed in "1234"
    ]
    assert {each.returncode for each in told} == {0}
    assert len({each.stdout for each in told}) == 1
