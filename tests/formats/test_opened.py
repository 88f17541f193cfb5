"""Messages that are wrapped in nothing."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.batch import RAW_SCHEMA
from airflow_kafka_bq.formats.opened import Bare
from airflow_kafka_bq.formats.payload import JSON_PAYLOAD

VALUES = st.lists(st.sampled_from([None, b"1", b"{}", b"nope", b"\xff"]), max_size=8)


@given(VALUES)
def test_every_message_is_a_row_or_gone_or_bad(values: list[bytes | None]) -> None:
    columns: dict[str, pa.Array[Any]] = {field.name: pa.nulls(len(values), field.type) for field in RAW_SCHEMA}
    columns["value"] = pa.array(values, pa.binary())
    found = Bare(JSON_PAYLOAD).open(pa.record_batch(list(columns.values()), names=list(columns)))
    told = [(at, "row") for at in found.parsed.good.to_pylist()]
    told += [(at, "gone") for at in found.gone.to_pylist()]
    told += [(one.index, "bad") for one in found.parsed.bad]
    kinds: dict[bytes | None, str] = {None: "gone", b"1": "row", b"{}": "row"}
    assert sorted(told) == [(at, kinds.get(value, "bad")) for at, value in enumerate(values)]
    assert found.skipped == 0
