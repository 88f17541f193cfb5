"""Parsing in bulk is only faster: rows, rejections and their order are those of pydantic, message by message."""

from __future__ import annotations

from typing import Any, Literal
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_kafka_bq.formats import bulk_search, json_columnar
from airflow_kafka_bq.formats.columnar_plan import plan
from airflow_kafka_bq.formats.json_columnar import JsonColumnar
from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.formats.parser import Parsed
from airflow_kafka_bq.schema.hashing import salted
from airflow_kafka_bq.schema.model import model_columns
from tests.formats.json_messages import FIELDS, messages, model_of

EXTRA = st.sampled_from(["ignore", "ignore", "forbid", "allow"])


def both(
    model: type[BaseModel], values: list[bytes], *, refuse: bool = False, few: int = 1, keep: bool = False
) -> tuple[Parsed, Parsed]:
    columns = salted(model_columns(model), lambda _: "0123456789abcdef")
    rows = JsonRows(model, columns, refuse_unknown=refuse, keep_unknown=keep)
    bulk_plan = plan(model, columns)
    assert bulk_plan is not None
    array: pa.Array[Any] = pa.array(values, pa.binary())
    with mock.patch.object(bulk_search, "_FEW", few), mock.patch.object(json_columnar, "SAMPLE", 4):
        return JsonColumnar(rows, bulk_plan).parse(array), rows.parse(array)


def exact(parsed: Parsed) -> list[str]:
    """With the sign of zero, which Arrow's equality does not see."""
    return [repr(row) for row in parsed.rows.to_pylist()]


def assert_same(bulk: Parsed, rows: Parsed) -> None:
    assert bulk.good.to_pylist() == rows.good.to_pylist()
    assert bulk.bad == rows.bad
    assert exact(bulk) == exact(rows)
    assert bulk.rows.equals(rows.rows)
    assert bulk.unknown_fields == rows.unknown_fields


@st.composite
def batches(draw: Any) -> tuple[tuple[tuple[str, str], ...], list[bytes]]:
    fields = tuple(draw(FIELDS))
    return fields, draw(st.lists(messages(fields), min_size=1, max_size=12))


def looked_at(examples: int) -> settings:
    health = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=health)


UNKNOWN = st.sampled_from(["ignore", "refuse", "keep", "keep"])
ANY = given(batches(), EXTRA, UNKNOWN, st.sampled_from([1, 1, 64]))


@looked_at(400)
@ANY
def test_bulk_and_row_by_row_agree(
    batch: tuple[tuple[tuple[str, str], ...], list[bytes]],
    extra: Literal["ignore", "forbid", "allow"],
    unknown: str,
    few: int,
) -> None:
    agree(batch, extra, unknown, few)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@looked_at(20_000)
@ANY
def test_bulk_and_row_by_row_agree_at_length(
    batch: tuple[tuple[tuple[str, str], ...], list[bytes]],
    extra: Literal["ignore", "forbid", "allow"],
    unknown: str,
    few: int,
) -> None:
    agree(batch, extra, unknown, few)


def agree(
    batch: tuple[tuple[tuple[str, str], ...], list[bytes]],
    extra: Literal["ignore", "forbid", "allow"],
    unknown: str,
    few: int,
) -> None:
    fields, values = batch
    note(str(fields))
    bulk, rows = both(model_of(fields, extra), values, refuse=unknown == "refuse", few=few, keep=unknown == "keep")
    assert_same(bulk, rows)


@pytest.mark.parametrize("text", ["5.68269834864418e-216", "5.68269834864418E-216", "-5.68269834864418e-216", "0e-99"])
def test_a_number_too_small_for_a_wide_decimal_is_never_read_as_zero(text: str) -> None:
    """Arrow reads some of these as 0, which nobody sent."""
    model = model_of((("decimal", "optional"),), "ignore")
    bulk, rows = both(model, [f'{{"f0": {text}}}'.encode()] * 3 + [b'{"f0": 0}', b'{"f0": 1e-5}'], few=1)
    assert_same(bulk, rows)


@pytest.mark.parametrize(
    "number", ["99999999999999999999999999999.999999999", "-99999999999999999999999999999.999999999"]
)
def test_the_largest_number_with_too_many_places_is_refused_by_itself(number: str) -> None:
    """Rounded, it has one digit more than its type, of which Arrow tells where it is the last."""
    model = model_of((("money", "required"),), "ignore")
    bulk, rows = both(model, [b'{"f0": 1.25}', b'{"f0": 1.255}', f'{{"f0": {number}}}'.encode()])
    assert_same(bulk, rows)
    assert [one.index for one in bulk.bad] == [1, 2]
