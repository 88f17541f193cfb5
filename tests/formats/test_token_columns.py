"""Scalars are what the parser of JSON makes of them, or not certain."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, create_model

from airflow_kafka_bq.formats.bulk_read import UnreadableError, read
from airflow_kafka_bq.formats.columnar_plan import plan
from airflow_kafka_bq.formats.token_columns import all_plain, columns_of
from airflow_kafka_bq.formats.token_cut import Marked, cut
from airflow_kafka_bq.formats.token_learning import form_of
from airflow_kafka_bq.schema.model import model_columns
from tests.formats.json_fragments import NUMBERS

Money = Annotated[Decimal, Field(max_digits=12, decimal_places=2)]
MORE = "00 00.5 0.0 1.2.3 1..2 .5 5. 1/2 /1 0x1 1e1 1E5 -1 -01 - 9 10 007 123456789012345678 1234567890123456789 ."
SCALARS = [
    *NUMBERS,
    *MORE.split(),
    "true",
    "false",
    "True",
    "null",
    "nul",
    "[]",
    "[1]",
    "[true]",
    "[true,false]",
    "[1,2]",
    "[1, 2]",
    "[1,]",
    "[,]",
]


def columns(model: type[BaseModel], values: list[bytes], like: bytes) -> tuple[list[int], list[Any]]:
    found = plan(model, model_columns(model))
    assert found is not None
    marked = Marked.of(pa.array(values, pa.binary()))
    whole = cut(marked, marked.plain, form_of(like, found.nodes))
    sure = None if whole is None else columns_of(whole, found.nodes)
    return ([], []) if sure is None else (sure[0].rows.to_pylist(), sure[1])


def is_json(text: str) -> bool:
    def refused(_: str) -> None:
        raise ValueError

    try:
        json.loads(text, parse_constant=refused)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "like"),
    [(int, "1"), (float, "1"), (bool, "true"), (Money, "1"), (Decimal, "1"), (Money, '"1"'), (list[int], "[1]"),
     (list[float], "[1]"), (list[bool], "[true]"), (None, "1"), (None, "[1]")],
)  # fmt: skip
def test_what_is_certain_is_what_the_parser_reads(kind: Any, like: str) -> None:
    fields: dict[str, Any] = {"b": (str, ...)} if kind is None else {"f": (kind, ...), "b": (str, ...)}
    model = create_model("Generated", **fields)
    texts = [f'"{one}"' for one in SCALARS] if like[0] == '"' else SCALARS
    values = [f'{{"f":{text},"b":"x"}}'.encode() for text in texts]
    rows, found = columns(model, values, f'{{"f":{like},"b":"x"}}'.encode())
    nodes: Any = plan(model, model_columns(model))
    assert len(rows) > 1
    assert all(is_json(texts[row]) for row in rows)
    expected = read(pa.array([values[row] for row in rows], pa.binary()), nodes.nodes, ignore_unknown=kind is None)
    assert [column.to_pylist() for column in found] == [column.to_pylist() for column in expected]
    assert [column.type for column in found] == [column.type for column in expected]


@pytest.mark.parametrize("text", SCALARS)
@pytest.mark.parametrize("kind", [pa.int64(), pa.float64()])
def test_plain_numbers_are_numbers(text: str, kind: pa.DataType) -> None:
    texts: Any = pa.array(["before", "1", text, "25"], pa.string()).slice(1)
    plain = all_plain(kind, texts)
    assert not plain or is_json(text)
    if plain:
        assert texts.cast(kind).to_pylist()[1] == json.loads(text, parse_int=int if kind == pa.int64() else float)
    assert plain == (
        text.replace(".", "", 1 if kind == pa.float64() else 0).isdecimal() and len(text) < 19 and is_json(text)
    )


def test_a_message_with_one_bad_place_is_left_with_all_its_places() -> None:
    model = create_model("Generated", n=(int, ...), w=(list[str], ...), m=(list[int], ...))
    values = [
        b'{"n":%s,"w":["%d","b"],"m":[%d]}' % (b"1.5" if index == 1 else b"%d" % index, index, index)
        for index in range(3)
    ]
    rows, found = columns(model, values, values[0])
    assert rows == [0, 2]
    assert [column.to_pylist() for column in found] == [[0, 2], [["0", "b"], ["2", "b"]], [[0], [2]]]


def test_nothing_is_left_of_messages_that_are_all_bad() -> None:
    model = create_model("Generated", n=(int, ...))
    assert columns(model, [b'{"n":x}'] * 3, b'{"n":1}') == ([], [])
    nodes: Any = plan(model, model_columns(model))
    with pytest.raises(UnreadableError):
        read(pa.array([b'{"n":x}'], pa.binary()), nodes.nodes, ignore_unknown=False)
