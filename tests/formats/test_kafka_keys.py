from __future__ import annotations

from typing import Any

import pyarrow as pa

from airflow_kafka_bq.formats.kafka_keys import key_column


def test_bad_keys_are_null_and_named_by_their_place() -> None:
    keys: pa.Array[Any] = pa.array([b"a", b"\xff", None, b"b"], pa.binary())
    column, bad = key_column(keys, "string")
    assert column.to_pylist() == ["a", None, None, "b"]
    assert [(one.index, one.stage, one.reason, one.error) for one in bad] == [
        (1, "key", "invalid_utf8", "key: not UTF-8 at byte 0")
    ]


def test_good_keys_cost_no_look_at_each() -> None:
    keys: pa.Array[Any] = pa.array([b"a", None], pa.binary())
    assert key_column(keys, "string")[0].to_pylist() == ["a", None]
    assert key_column(keys, "bytes")[0] is keys
