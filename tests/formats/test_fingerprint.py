from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, create_model

import airflow_kafka_bq
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.formats.fingerprint import fingerprint
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.schema.imports import imported


class Order(BaseModel):
    order_id: int
    note: str | None = None


def of(model: type[BaseModel] | None = Order, *functions: Callable[[pa.Table], Any] | None, **parameters: Any) -> str:
    config = JobConfig.of(topic="orders", table="demo-project.shop.orders", model=model, **parameters)
    return fingerprint(config, build_target(config, config.table_id(None), model), model, functions)


@pytest.mark.parametrize(
    "parameters",
    [
        {"unknown_fields": "dead_letter"},
        {"key_format": "bytes"},
        {"envelope": "debezium", "envelope_fields": []},
        {"on_tombstone": "dead_letter"},
        {"dedup_key": ["order_id"]},
        {"kafka_columns": "none", "dedup_key": ["order_id"]},
    ],
)
def test_settings_that_decide_about_rows_count(parameters: dict[str, Any]) -> None:
    assert of(**parameters) != of()


@pytest.mark.parametrize(
    "parameters",
    [{"batch_messages": 5}, {"max_bytes_billed": None}, {"on_bad_message": "fail"}, {"labels": {"a": "b"}}],
)
def test_settings_that_do_not_decide_do_not_count(parameters: dict[str, Any]) -> None:
    assert of(**parameters) == of()


def test_columns_constraints_and_defaults_count() -> None:
    variants: list[Any] = [(int, ...), (str, ...), (int, 5), (int, 6), (int, Field(ge=0)), (int, Field(alias="b"))]
    models = [create_model("Order", a=variant) for variant in variants]
    assert len({of(model) for model in models}) == len(models)


def test_the_package_version_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = of()
    monkeypatch.setattr(airflow_kafka_bq, "__version__", "99")
    assert of() != before


FIRST = "from pydantic import BaseModel\nLIMIT = 1\nclass Line(BaseModel):\n    sku: str\n"
SECOND = (
    "from pydantic import BaseModel, field_validator\nfrom {lines} import Line\n"
    "class Order(BaseModel):\n    line: list[Line]\n"
    "    @field_validator('line')\n    @classmethod\n    def check(cls, value):\n        return value\n"
)


def modules(folder: Path, first: str, second: str, suffix: str) -> str:
    folder.mkdir()
    lines, orders = f"kbq_lines{suffix}", f"kbq_orders{suffix}"
    (folder / f"{lines}.py").write_text(first)
    (folder / f"{orders}.py").write_text(second.format(lines=lines))
    return of(imported(f"{orders}:Order", [folder])).replace(suffix, "")


def test_code_around_the_model_and_around_nested_models_counts(tmp_path: Path) -> None:
    texts = [
        (FIRST, SECOND),
        (FIRST.replace("LIMIT = 1", "LIMIT = 2"), SECOND),
        (FIRST, SECOND.replace("return value", "return value[:1]")),
    ]
    found = []
    for number, (first, second) in enumerate(texts):
        for name in [name for name in sys.modules if name.startswith("kbq_")]:
            del sys.modules[name]
        sys.path[:] = [folder for folder in sys.path if not folder.startswith(str(tmp_path))]
        found.append(modules(tmp_path / str(number), first, second, ""))
    assert len(set(found)) == 3


def one(table: pa.Table) -> pa.Table:
    return table


def limited(table: pa.Table, limit: int) -> pa.Table:
    return table.slice(0, limit)


def test_functions_count_and_so_does_their_place() -> None:
    assert len({of(), of(Order, None, one), of(Order, one, None)}) == 3


def test_arguments_of_a_partial_count() -> None:
    two, three = functools.partial(limited, limit=2), functools.partial(limited, limit=3)
    assert of(Order, two, None) != of(Order, three, None)
    assert of(Order, two, None) == of(Order, functools.partial(limited, limit=2), None)


def made(body: str) -> Any:
    names: dict[str, Any] = {"__name__": "nowhere"}
    exec(f"def f(table):\n    {body}\n", names)  # noqa: S102  # a function without source
    return names["f"]


def test_functions_without_source_are_known_by_their_code() -> None:
    assert of(Order, made("return table")) == of(Order, made("return table"))
    assert of(Order, made("return table")) != of(Order, made("return table.slice(1)"))
    assert of(Order, made("return table.slice(1)")) != of(Order, made("return table.slice(2)"))


def test_values_that_a_function_closes_over_count() -> None:
    def closing(limit: int) -> Callable[[pa.Table], Any]:
        return lambda table: table.slice(limit)

    assert of(Order, closing(1)) != of(Order, closing(2))
    assert of(Order, closing(1)) == of(Order, closing(1))


SCRIPT = """
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.formats.fingerprint import fingerprint
from airflow_kafka_bq.schema.build import build_target
from typing import Literal
from pydantic import BaseModel
class Order(BaseModel):
    kind: Literal["a", "b", "c"]
    def known(self): return self.kind in {"a", "b", "c", "d"}
config = JobConfig.of(topic="orders", table="demo-project.shop.orders", model=Order)
print(fingerprint(config, build_target(config, config.table_id(None), Order), Order, (None, None)))
"""


def test_every_process_finds_the_same() -> None:
    root = Path(airflow_kafka_bq.__file__).parents[1]
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=root,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].strip()) == 64
