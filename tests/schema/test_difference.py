from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_kafka_bq.config import IntegerRange, Partitioning, TableId
from airflow_kafka_bq.exceptions import SchemaDriftError
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.difference import Difference, difference, refuse_drift, shape
from airflow_kafka_bq.schema.target import TableFacts, Target

X, Y = Column("x", "INT64", "REQUIRED"), Column("y", "STRING")
S = Column("s", "STRUCT", "NULLABLE", (X, Y))
COLUMNS = (Column("a", "INT64", "REQUIRED"), Column("b", "STRING"), S)
TARGET = Target(TableId("demo", "shop", "orders"), COLUMNS, ("a",), partitioning=Partitioning("t"), cluster_by=("a",))
FACTS = TableFacts(COLUMNS, "2024-01-01T00:00:00.000Z", 1, Partitioning("t"), cluster_by=("A",))


def found(*columns: Column, policy: str = "add", **facts: Any) -> Difference:
    return difference(TARGET, replace(FACTS, columns=columns or COLUMNS, **facts), policy)


def changed(column: Column, **changes: Any) -> tuple[Column, ...]:
    return tuple(replace(one, **changes) if one is column else one for one in COLUMNS)


def test_the_same_is_no_difference() -> None:
    assert found() == Difference()


def test_the_same_in_another_order_and_case_is_no_difference() -> None:
    upper = [replace(column, name=column.name.upper()) for column in reversed(COLUMNS)]
    assert found(*upper) == Difference()


def test_more_columns_in_the_table_are_no_difference() -> None:
    assert found(*COLUMNS, Column("more", "STRING")) == Difference()


def test_missing_columns_are_added() -> None:
    assert found(COLUMNS[0]) == Difference(add=("b", "s"))


def test_required_columns_are_added_as_nullable_with_a_note() -> None:
    added = found(*COLUMNS[1:])
    assert added.add == ("a",)
    assert added.notes == ("column a is added as NULLABLE: BigQuery adds no REQUIRED column to a table",)


def test_nothing_is_added_when_nothing_may_change() -> None:
    refused = found(COLUMNS[0], COLUMNS[1], policy="none")
    assert refused.add == ()
    assert refused.drift == ("column s STRUCT<x INT64, y STRING> is missing, and schema_update is 'none'",)


@pytest.mark.parametrize(
    ("columns", "name", "why"),
    [
        (changed(COLUMNS[1], mode="REQUIRED"), "b", "the job may give NULL"),
        ((*COLUMNS, Column("more", "INT64", "REQUIRED")), "more", "the job never fills it"),
    ],
)
def test_required_columns_are_relaxed_only_when_told_to(columns: tuple[Column, ...], name: str, why: str) -> None:
    for policy in ("none", "add"):
        strict = found(*columns, policy=policy)
        assert strict.relax == ()
        assert len(strict.drift) == 1
        assert f"column {name} is REQUIRED and {why}" in strict.drift[0]
    assert found(*columns, policy="add_relax") == Difference(relax=(name,))


@pytest.mark.parametrize(
    ("ours", "theirs", "fits"),
    [
        ("INT64", "NUMERIC", True),
        ("INT64", "BIGNUMERIC", True),
        ("NUMERIC", "BIGNUMERIC", True),
        ("INT64", "FLOAT64", False),
        ("NUMERIC", "FLOAT64", False),
        ("BIGNUMERIC", "NUMERIC", False),
        ("NUMERIC", "INT64", False),
        ("DATETIME", "TIMESTAMP", False),
        ("STRING", "JSON", False),
    ],
)
def test_only_exact_widening_fits(ours: str, theirs: str, fits: bool) -> None:
    target = replace(TARGET, columns=(Column("a", ours),))
    drift = difference(target, replace(FACTS, columns=(Column("a", theirs),)), "add").drift
    assert (drift == ()) is fits
    assert fits or drift[0].startswith(f"column a is {theirs} and the job has {ours}")


@pytest.mark.parametrize(
    ("ours", "theirs", "fits"),
    [
        (Column("a", "NUMERIC"), Column("a", "NUMERIC", precision=10, scale=2), False),
        (Column("a", "NUMERIC", precision=10, scale=2), Column("a", "NUMERIC", precision=10, scale=2), True),
        (Column("a", "NUMERIC", precision=10, scale=3), Column("a", "NUMERIC", precision=12, scale=2), False),
        (Column("a", "NUMERIC", precision=11, scale=2), Column("a", "NUMERIC", precision=11, scale=3), False),
        (Column("a", "INT64"), Column("a", "NUMERIC", precision=18, scale=0), False),
        (Column("a", "INT64"), Column("a", "BIGNUMERIC", precision=21, scale=2), True),
        (Column("a", "STRING"), Column("a", "STRING", max_length=5), False),
        (Column("a", "STRING", max_length=5), Column("a", "STRING", max_length=5), True),
        (Column("a", "BYTES", max_length=6), Column("a", "BYTES", max_length=5), False),
        (Column("a", "STRING", max_length=6), Column("a", "STRING"), True),
    ],
)
def test_a_type_that_holds_less_does_not_fit(ours: Column, theirs: Column, fits: bool) -> None:
    for wrap in {False, ours.type == theirs.type}:
        pair = [Column("s", "STRUCT", fields=(one,)) if wrap else one for one in (ours, theirs)]
        target = replace(TARGET, columns=(pair[0],))
        drift = difference(target, replace(FACTS, columns=(pair[1],)), "add").drift
        assert (drift == ()) is fits, drift
        assert fits or shape(theirs) in drift[0]


def test_columns_that_were_read_from_the_table_are_not_added_to_it_again() -> None:
    others = (Column("ce_id", "STRING"), Column("_kafka_offset", "INT64"))
    target = replace(TARGET, columns=(*COLUMNS, *others), of_table=True, envelope=("ce_id",))
    found = difference(target, replace(FACTS, columns=COLUMNS[:2]), "add")
    assert found.add == ("ce_id", "_kafka_offset")
    assert found.drift == ("column s was there a moment ago; run it again",)


def test_a_policy_tag_that_is_missing_is_reported_and_left_alone() -> None:
    tagged = replace(TARGET, columns=(replace(COLUMNS[0], policy_tag="t"), *COLUMNS[1:]))
    assert difference(tagged, FACTS, "none").notes == (
        "column a has no policy tag and the job says t; it is left alone",
    )
    inside = replace(TARGET, columns=(*COLUMNS[:2], replace(S, fields=(X, replace(Y, policy_tag="t")))))
    there = (*COLUMNS[:2], replace(S, fields=(X, replace(Y, policy_tag="u"))))
    assert difference(inside, replace(FACTS, columns=there), "none").notes == (
        "column s.y has policy tag u and the job says t; it is left alone",
    )
    assert difference(TARGET, replace(FACTS, columns=there), "none").notes == ()


@pytest.mark.parametrize(
    ("theirs", "ours", "wider"),
    [
        (Column("A", "INT64"), Column("a", "NUMERIC"), "NUMERIC"),
        (Column("A", "INT64", "REQUIRED"), Column("a", "BIGNUMERIC", "REQUIRED"), "BIGNUMERIC"),
        (Column("A", "NUMERIC"), Column("a", "BIGNUMERIC"), "BIGNUMERIC"),
        (Column("A", "NUMERIC", precision=10, scale=2), Column("a", "NUMERIC"), "NUMERIC"),
        (Column("A", "NUMERIC", precision=10, scale=2), Column("a", "BIGNUMERIC"), "BIGNUMERIC"),
        (Column("A", "BIGNUMERIC", precision=10, scale=2), Column("a", "NUMERIC"), "BIGNUMERIC"),
        (Column("A", "NUMERIC", precision=5, scale=0), Column("a", "INT64"), "NUMERIC"),
        (Column("A", "STRING", max_length=5), Column("a", "STRING"), "STRING"),
        (Column("A", "INT64"), Column("a", "FLOAT64"), None),
        (Column("A", "FLOAT64"), Column("a", "INT64"), None),
        (Column("A", "NUMERIC"), Column("a", "FLOAT64"), None),
        (Column("A", "INT64"), Column("a", "STRING"), None),
        (Column("A", "INT64", "REPEATED"), Column("a", "NUMERIC", "REPEATED"), None),
        (Column("A", "INT64"), Column("a", "NUMERIC", "REPEATED"), None),
    ],
)
def test_a_wider_type_is_given_only_when_asked_and_only_where_no_value_changes(
    theirs: Column, ours: Column, wider: str | None
) -> None:
    target, facts = replace(TARGET, columns=(ours,)), replace(FACTS, columns=(theirs,))
    for policy in ("none", "add", "add_relax"):
        refused = difference(target, facts, policy)
        assert refused.widen == ()
        assert len(refused.drift) == 1
        assert ("add_relax_widen" in refused.drift[0]) is (wider is not None)
    found = difference(target, facts, "add_relax_widen")
    if wider is None:
        assert (found.widen, len(found.drift)) == ((), 1)
        assert shape(theirs) in found.drift[0]
        assert shape(ours) in found.drift[0]
    else:
        assert (found.widen, found.drift) == ((Column("A", wider, theirs.mode),), ())
        assert difference(target, replace(FACTS, columns=found.widen), "none").drift == ()


def test_a_partition_column_keeps_its_type() -> None:
    laid_out = replace(FACTS, columns=(Column("a", "INT64"),), partitioning=Partitioning("A"))
    found = difference(replace(TARGET, columns=(Column("a", "NUMERIC"),)), laid_out, "add_relax_widen")
    assert (found.widen, found.drift) == ((), ("column a is INT64 and the job has NUMERIC",))


def test_rounding_is_said_to_be_the_reason() -> None:
    facts = replace(FACTS, columns=(Column("a", "INT64"),))
    (drift,) = difference(replace(TARGET, columns=(Column("a", "FLOAT64"),)), facts, "add_relax_widen").drift
    assert "a FLOAT64 would round" in drift


def test_drift_names_the_first_message() -> None:
    found = Difference(drift=("column a is INT64 and the job has STRING",))
    with pytest.raises(SchemaDriftError, match="column a is INT64 and the job has STRING") as caught:
        refuse_drift(found, TARGET, "shop.orders", (3, 17))
    assert (caught.value.topic, caught.value.partition, caught.value.offset) == ("shop.orders", 3, 17)


def test_arrays_and_single_values_do_not_fit() -> None:
    assert found(*changed(COLUMNS[1], mode="REPEATED")).drift == ("column b is ARRAY<STRING> and the job has STRING",)


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ((X,), "add the fields y with `bq update`"),
        ((Y, X), "same fields in the same order"),
        ((X, Y, Column("z", "INT64")), "same fields in the same order"),
        ((replace(X, type="STRING"), Y), "STRUCT<x STRING, y STRING> and the job has STRUCT<x INT64, y STRING>"),
        ((X, replace(Y, mode="REQUIRED")), "column s is"),
        ((X, replace(Y, mode="REPEATED")), "column s is STRUCT<x INT64, y ARRAY<STRING>>"),
    ],
)
def test_structs_must_be_the_same(fields: tuple[Column, ...], hint: str) -> None:
    (drift,) = found(*changed(S, fields=fields)).drift
    assert hint in drift


def test_a_nested_field_may_be_laxer_in_the_table() -> None:
    assert found(*changed(S, fields=(replace(X, mode="NULLABLE"), Y))) == Difference()


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        ({"partitioning": None}, "it is partitioned by nothing and the job says day of t; it is left alone"),
        (
            {"partitioning": IntegerRange("a", 0, 9, 3)},
            "it is partitioned by a from 0 to 9 by 3 and the job says day of t",
        ),
        ({"cluster_by": ()}, "it is clustered by nothing and the job says a; it is left alone"),
    ],
)
def test_another_layout_is_reported_and_left_alone(facts: dict[str, Any], note: str) -> None:
    (said,) = found(**facts).notes
    assert note in said
    assert found(**facts).drift == ()


def test_views_are_refused() -> None:
    assert "no ordinary table" in found(is_table=False).drift[0]


def test_drift_names_everything() -> None:
    drifted = found(*changed(COLUMNS[0], type="STRING"))
    with pytest.raises(
        SchemaDriftError, match=r"demo\.shop\.orders.*column a is STRING and the job has INT64"
    ) as caught:
        refuse_drift(drifted, TARGET, "orders")
    assert caught.value.topic == "orders"
    assert caught.value.remedy
    refuse_drift(Difference(notes=("x",)), TARGET)


def test_shape_is_written_as_in_sql() -> None:
    assert shape(replace(S, mode="REPEATED")) == "ARRAY<STRUCT<x INT64, y STRING>>"
