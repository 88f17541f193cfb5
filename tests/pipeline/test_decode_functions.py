from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute
import pytest
from pydantic import BaseModel

from airflow_kafka_bq.exceptions import ConfigError
from tests.pipeline.decoding import Message, decoded, offsets, reasons


class Order(BaseModel):
    order_id: int
    note: str | None = None


MESSAGES = [Message(b'{"order_id":%d,"note":"n%d"}' % (number, number), b"%d" % number) for number in range(5)]
pc: Any = pyarrow.compute
UPDATE: dict[str, Any] = {"dedup_key": ["order_id"], "on_duplicate": "update"}


def even(table: pa.Table) -> Any:
    return pc.equal(pc.bit_wise_and(table.column("order_id"), 1), 0)


def test_filter_keeps_what_its_mask_says() -> None:
    found = decoded(MESSAGES, Order, filter=even)
    assert offsets(found.rows) == [0, 2, 4]
    assert found.ignored == 2
    assert found.origins is not None
    assert found.origins.to_pylist() == [0, 2, 4]


@pytest.mark.parametrize(
    "mask",
    [
        [True, None, False, True, None],
        pa.array([True, None, False, True, None]),
        pa.chunked_array([[True, None], [False, True, None]]),
    ],
)
def test_masks_of_any_kind_and_null_keeps_nothing(mask: Any) -> None:
    assert offsets(decoded(MESSAGES, Order, filter=lambda _: mask).rows) == [0, 3]


@pytest.mark.parametrize("mask", [[True], [1, 2, 3, 4, 5], "x", None, pa.array([1, 0, 1, 0, 1])])
def test_no_mask_is_a_configuration_error(mask: Any) -> None:
    def wrong(_: pa.Table) -> Any:
        return mask

    with pytest.raises(ConfigError, match=r"filter tests\.pipeline\.test_decode_functions:.*wrong returned"):
        decoded(MESSAGES, Order, filter=wrong)


def test_soft_deletes_pass_the_filter() -> None:
    messages = [*MESSAGES, Message(None, b"1")]
    found = decoded(messages, Order, filter=lambda table: pc.equal(table.column("note"), "n2"), **UPDATE)
    assert offsets(found.rows) == [2, 5]


def test_functions_see_kafka_columns_that_the_table_does_not_have() -> None:
    def first(table: pa.Table) -> Any:
        return pc.less(table.column("_kafka_offset"), 102)

    found = decoded(MESSAGES, Order, filter=first, kafka_columns="none", dedup_key=["order_id"])
    assert found.rows.column_names == ["order_id", "note", "_tombstone"]
    assert found.rows.num_rows == 2


def upper(table: pa.Table) -> pa.Table:
    position = table.schema.get_field_index("note")
    return table.set_column(position, "note", pc.utf8_upper(table.column("note")))


def test_transform_changes_the_messages_columns() -> None:
    found = decoded(MESSAGES, Order, transform=upper)
    assert found.rows.column("note").to_pylist() == ["N0", "N1", "N2", "N3", "N4"]
    assert offsets(found.rows) == [0, 1, 2, 3, 4]


def test_transform_sees_what_the_filter_left() -> None:
    seen: list[int] = []

    def look(table: pa.Table) -> pa.Table:
        seen.append(table.num_rows)
        return table

    decoded(MESSAGES, Order, filter=even, transform=look)
    assert seen == [3]


def test_types_are_cast_where_nothing_is_lost() -> None:
    def text(table: pa.Table) -> pa.Table:
        return table.set_column(0, "order_id", table.column("order_id").cast(pa.string()))

    assert decoded(MESSAGES, Order, transform=text).rows.column("order_id").to_pylist() == [0, 1, 2, 3, 4]


def half(table: pa.Table) -> pa.Table:
    return table.set_column(0, "order_id", pa.array([0.5] * table.num_rows))


def nothing(table: pa.Table) -> pa.Table:
    return table.set_column(0, "order_id", pa.nulls(table.num_rows, pa.int64()))


def picky(table: pa.Table) -> pa.Table:
    if table.num_rows:
        raise KeyError("price")
    return table


def _ids(table: pa.Table) -> list[Any]:
    return table.column("order_id").to_pylist()


def fails(_: pa.Table) -> pa.Table:
    raise KeyError("price")


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda table: table.slice(1), "returned 4 rows for 5"),
        (lambda table: table.take([4, 3, 2, 1, 0]), "changed _kafka_offset, or the order of the rows"),
        (lambda table: table.drop_columns(["note"]), r"missing columns \['note'\]"),
        (lambda table: table.append_column("more", pa.nulls(5)), r"does not have \['more'\]"),
        (lambda _: None, "returned NoneType"),
        (fails, "raised KeyError"),
    ],
)
def test_what_transform_must_not_do(function: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        decoded(MESSAGES, Order, transform=function)
    assert f"{function.__module__}:{function.__qualname__}" in str(caught.value)


MANY = [Message(b'{"order_id":%d}' % number) for number in range(101)]


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (half, "column 'order_id' is double and does not become int64"),
        (nothing, "gave NULL in the REQUIRED column 'order_id'"),
        (picky, "raised KeyError"),
    ],
)
def test_what_fails_for_more_than_a_hundred_messages_is_the_functions_fault(function: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        decoded(MANY, Order, transform=function)
    assert f"{function.__module__}:{function.__qualname__}" in str(caught.value)


@pytest.mark.parametrize(
    ("function", "reason"), [(half, "transform_failed"), (nothing, "null_in_required"), (picky, "transform_failed")]
)
def test_messages_that_transform_fails_for_are_dead_letters(function: Any, reason: str) -> None:
    def only_three(table: pa.Table) -> pa.Table:
        parts = [function(one) if _ids(one) == [3] else one for one in (table.slice(at, 1) for at in range(len(table)))]
        return pa.concat_tables(parts, promote_options="permissive") if parts else table

    found = decoded(MESSAGES, Order, transform=only_three)
    assert reasons(found) == [(3, "transform", reason)]
    assert offsets(found.rows) == [0, 1, 2, 4]
    assert found.origins is not None
    assert found.origins.to_pylist() == [0, 1, 2, 4]
    assert "n3" not in str(found.dead_letters.column("error").to_pylist()), "an error never quotes a message"


def test_messages_that_filter_fails_for_are_dead_letters() -> None:
    def keep(table: pa.Table) -> Any:
        return [{0: True, 1: False, 2: True}[at] for at in _ids(table)]

    found = decoded(MESSAGES, Order, filter=keep)
    assert reasons(found) == [(3, "transform", "filter_failed"), (4, "transform", "filter_failed")]
    assert (offsets(found.rows), found.ignored) == ([0, 2], 1)


def test_what_only_several_messages_together_make_fail_is_the_functions_fault() -> None:
    def alone(table: pa.Table) -> pa.Table:
        assert table.num_rows < 4
        return table

    with pytest.raises(ConfigError, match="raised AssertionError"):
        decoded(MESSAGES, Order, transform=alone)


def test_a_key_that_transform_makes_null_is_a_dead_letter() -> None:
    def blank(table: pa.Table) -> pa.Table:
        return table.set_column(1, "note", pa.array([None, "a", "b", "c", "d"]))

    found = decoded(MESSAGES, Order, transform=blank, dedup_key=["note"])
    assert reasons(found) == [(0, "key", "null_dedup_key")]


def test_functions_are_not_called_without_rows() -> None:
    assert decoded([Message(b"nope")], Order, transform=fails, filter=fails).rows.num_rows == 0
