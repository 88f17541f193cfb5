from __future__ import annotations

from typing import Any

import pytest

from airflow_kafka_bq.operators.rendering import is_template, rendered


class Later:
    """As an XComArg."""

    def resolve(self) -> None: ...

    def iter_references(self) -> None: ...


@pytest.mark.parametrize(
    "value",
    [
        *("{{ ds }}", "a{% if x %}b{% endif %}", "{# no #}"),
        *(["a", "{{ b }}"], {"from": {"x": "{{ a }}"}}, {"{{ k }}": 1}),
        *(Later(), [Later()]),
    ],
)
def test_a_template_is_found_wherever_it_is(value: Any) -> None:
    assert is_template(value)


@pytest.mark.parametrize("value", [None, 5, "topic", "{topic}", "a{b}", ["a"], {"from": 1}, int])
def test_a_literal_is_no_template(value: Any) -> None:
    assert not is_template(value)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("partitions", "[0, 1]", [0, 1]),
        ("partitions", "0,1", "0,1"),  # the validation reads it
        ("dedup_key", "['id']", ["id"]),
        ("labels", "{'team': 'shop'}", {"team": "shop"}),
        ("start", "{0: 5}", {0: 5}),
        ("start", '{"0": 5}', {"0": 5}),
        ("start", "2026-01-01", "2026-01-01"),
        ("window", "{'from': '2026-01-01', 'to': '2026-01-02'}", {"from": "2026-01-01", "to": "2026-01-02"}),
        ("window", {"from": "{'0': 1}", "to": "{'0': 2}"}, {"from": {"0": 1}, "to": {"0": 2}}),
        ("window", {"from": "", "to": "2026-01-02"}, {"from": "", "to": "2026-01-02"}),  # to be refused
        ("labels", "{broken", "{broken"),
        ("topic", "[orders]", "[orders]"),
        ("topic", "", ""),  # to be refused
        ("topic", "None", "None"),
    ],
)
def test_what_was_rendered_is_read_back(name: str, value: Any, found: Any) -> None:
    assert rendered(name, value, "default") == found


@pytest.mark.parametrize("value", [None, "", "None", "null", " "])
@pytest.mark.parametrize("name", ["window", "partitions", "start", "dedup_key", "project_id", "model", "group_id"])
def test_a_template_that_came_to_nothing_is_the_default(name: str, value: Any) -> None:
    assert rendered(name, value, "default") == "default"


@pytest.mark.parametrize("ends", [("", ""), ("None", ""), (None, None)])
def test_a_window_without_ends_is_none(ends: tuple[Any, Any]) -> None:
    assert rendered("window", dict(zip(("from", "to"), ends, strict=True)), None) is None
