"""Shapes: a field of another version of a struct, and values that are no struct."""

from __future__ import annotations

from airflow_kafka_bq.formats.structured.shapes import Field, Scalar, Slot, Struct, as_struct, by_identity

TEXT = Slot(Scalar("STRING", "string"))


def test_a_field_is_found_by_name_then_by_alias() -> None:
    others = by_identity(Struct("R", fields=(Field("a", TEXT), Field("b", TEXT))))
    assert Field("a", TEXT, aliases=("b",)).found_in(others) is others["a"]
    assert Field("c", TEXT, aliases=("x", "b")).found_in(others) is others["b"]
    assert Field("c", TEXT).found_in(others) is None


def test_a_field_with_a_number_is_found_by_it_alone() -> None:
    others = by_identity(Struct("R", fields=(Field("a", TEXT, 1), Field("b", TEXT, 2))))
    assert Field("a", TEXT, 2).found_in(others) is others[2]
    assert Field("a", TEXT, 3).found_in(others) is None


def test_a_value_that_is_no_struct_has_one_field() -> None:
    struct, wrapped = as_struct(TEXT)
    assert ([one.name for one in struct.fields], wrapped) == (["value"], True)
    assert as_struct(Slot(struct)) == (struct, False)
