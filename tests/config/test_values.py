"""Times, offsets, windows: read exactly, compared exactly."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.config import Partitioning, TableId, Window, values
from tests.config.drawing import few

OFFSETS = st.dictionaries(st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), min_size=1, max_size=5)
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=ZONES | st.just(UTC))
ORDERS = TableId("demo", "analytics", "orders")


class OtherDatetime(datetime):
    """As the time libraries of Airflow have their own."""


@few
@given(TIMES)
def test_a_time_keeps_its_moment(time: datetime) -> None:
    for written in (time, time.isoformat(), time.isoformat(" ")):
        found = values.moment(written)
        assert found == time
        assert found.tzinfo is UTC


def test_a_time_without_zone_is_utc() -> None:
    assert values.moment("2026-01-31T06:00") == datetime(2026, 1, 31, 6, tzinfo=UTC)


def test_a_time_of_another_library_becomes_a_plain_one() -> None:
    found = values.moment(OtherDatetime(2026, 1, 31, 6, tzinfo=timezone(timedelta(hours=2))))
    assert type(found) is datetime
    assert found == datetime(2026, 1, 31, 4, tzinfo=UTC)


@pytest.mark.parametrize("value", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"])
def test_a_time_outside_of_utc_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="no time that UTC can express"):
        values.moment(value)


@few
@given(OFFSETS)
def test_offsets_are_the_same_as_python_json_and_text(offsets: dict[int, int]) -> None:
    assert values.offsets(offsets) == offsets
    assert values.offsets(json.loads(json.dumps(offsets))) == offsets
    assert values.offsets({str(part): str(offset) for part, offset in offsets.items()}) == offsets
    assert values.start(json.dumps(offsets)) == offsets


@few
@given(OFFSETS, st.data())
def test_a_window_of_offsets_never_runs_backwards(start: dict[int, int], data: st.DataObject) -> None:
    end = {part: data.draw(st.integers(0, 2**63 - 1)) for part in start}
    written = {"from": start, "to": end}
    if all(start[part] <= end[part] for part in start):
        assert values.window(written) == Window(start, end)
        assert values.window(json.dumps(written)) == Window(start, end)
        assert values.window(written).by_offsets
    else:
        with pytest.raises(ValueError, match=r"'from'.* lies after 'to'"):
            values.window(written)


@few
@given(TIMES, TIMES)
def test_a_window_of_times_never_runs_backwards(start: datetime, end: datetime) -> None:
    written = {"from": start.isoformat(), "to": end}
    if start <= end:
        assert values.window(written) == Window(start, end)
        assert not values.window(written).by_offsets
    else:
        with pytest.raises(ValueError, match=r"'from'.* lies after 'to'"):
            values.window(written)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"from": "2026-01-01"}, "exactly two fields, 'from' and 'to'"),
        ("{", "'{' is not JSON"),
        ({"from": "yesterday", "to": "2026-01-01"}, "'from': 'yesterday' is not an ISO time"),
        ({"from": "2026-01-01", "to": 5}, "'to': 5 is neither an ISO time nor a mapping"),
        ({"from": "2026-01-01", "to": {0: 5}}, "both times or both mappings"),
        ({"from": {0: 1}, "to": {1: 1}}, "name different partitions: [0] and [1]"),
        ('{"from": {"0": 1, "0": 2}, "to": {"0": 3}}', "0 is there twice"),
        ({"from": {0: 1}, "to": {}}, "'to': a mapping of partition to offset names at least one"),
        ({"from": {0: 1, "0": 1}, "to": {0: 1}}, "'from': partition 0 is there twice"),
        ({"from": {0: -1}, "to": {0: 1}}, "0: -1 is not partition: offset"),
    ],
)
def test_a_wrong_window_says_which_end_and_why(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        values.window(value)


def test_a_table_id_is_quoted_part_by_part() -> None:
    assert str(ORDERS) == "demo.analytics.orders"
    assert ORDERS.quoted == "`demo`.`analytics`.`orders`"


def test_companions_live_beside_the_table_or_where_the_job_says() -> None:
    assert ORDERS.companion("ledger") == TableId("demo", "analytics", "orders__ledger")
    assert ORDERS.companion("ledger", "ours") == TableId("demo", "ours", "orders__ledger")
    assert ORDERS.companion("ledger", "other.ours") == TableId("other", "ours", "orders__ledger")
    assert ORDERS.companion("ledger", "example.com:other.ours").project == "example.com:other"


def test_values_are_frozen() -> None:
    for value, name in ((ORDERS, "table"), (Partitioning("a"), "column"), (Window({0: 1}, {0: 2}), "start")):
        with pytest.raises(AttributeError):
            setattr(value, name, "other")
