"""What was inside the messages of a piece, parsed at once and counted among all of them."""

from __future__ import annotations

import msgspec
import pyarrow as pa
import pytest

from airflow_kafka_bq.formats.envelopes.unwrapped import Unwrapped, malformed, unwrapped
from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.formats.payload import JSON_PAYLOAD

NO = Rejected("decode", "no_event", "none")


def test_rows_refusals_and_deletions_keep_their_places() -> None:
    found: list[Unwrapped | Rejected] = [
        NO,
        Unwrapped(b"1"),
        Unwrapped(),
        Unwrapped(gone=True),
        Unwrapped(b"nope", schema_id=7),
        Unwrapped(b"2"),
    ]
    opened = Unwrapped.opened(found, JSON_PAYLOAD, lambda rows: pa.table({"count": [len(rows)] * len(rows)}))
    assert opened.parsed.rows.column("payload").to_pylist() == ["1", "2"]
    assert opened.parsed.good.to_pylist() == [1, 5]
    assert [(one.index, one.reason, one.schema_id) for one in opened.parsed.bad] == [
        (0, "no_event", None), (4, "invalid_json", 7),
    ]  # fmt: skip
    assert (opened.gone.to_pylist(), opened.skipped) == ([3], 1)
    assert opened.beside is not None
    assert opened.beside.num_rows == len(found)


def test_a_null_says_that_the_row_is_gone() -> None:
    assert unwrapped(lambda _: Unwrapped(b"1"), None) == Unwrapped(gone=True)


@pytest.mark.parametrize(("error", "reason"), [
    (msgspec.DecodeError("x"), "invalid_json"), (RecursionError(), "too_deep"),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), "invalid_utf8"),
])  # fmt: skip
def test_an_envelope_that_is_no_json_is_refused_by_kind(error: Exception, reason: str) -> None:
    assert malformed(error).reason == reason
