"""YAML mistakes have a line, nothing wins in silence, and no message quotes a value."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from airflow_kafka_bq.config.yaml_text import YamlError, parsed


def mistake(text: str, *sections: str) -> YamlError:
    with pytest.raises(YamlError) as caught:
        parsed(text, sections)
    return caught.value


def test_plain_yaml_is_read_as_ever() -> None:
    assert parsed("a: 1\nb: [x, 'y']\nc: {d: null}\n") == {"a": 1, "b": ["x", "y"], "c": {"d": None}}
    assert parsed("") is None
    assert parsed("2026-01-31").isoformat() == "2026-01-31"


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("topic: a\ntable: b\ntopic: c\n", 3, "topic is there twice, first in line 1"),
        ("window:\n  from: 1\n  from: 2\n", 3, "from is there twice, first in line 2"),
        ("start: {0: 1, 1: 2, 0: 3}", 1, "0 is there twice"),
        ("a: [{b: 1,\n b: 2}]", 2, "b is there twice"),
        ("kafka:\n  x: 1\nkafka:\n  y: 1\n", 3, "kafka is there twice"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", 4, "<< is there twice"),
    ],
)
def test_a_doubled_key_is_refused_with_its_lines(text: str, line: int, key: str) -> None:
    error = mistake(text, "kafka")
    assert error.line == line
    assert key in str(error)


def test_a_merged_mapping_may_be_overridden_as_yaml_means_it() -> None:
    assert parsed("a: &a {x: 1, y: 1}\nb: {<<: *a, x: 2}")["b"] == {"x": 2, "y": 1}
    assert parsed("kafka: {<<: &a {x: 1}, y: 007}", ("kafka",)) == {"kafka": {"x": "1", "y": "007"}}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "expected ',' or ']'"),
        ("a: 1\n b: 2\n", 2, "mapping values are not allowed here"),
        ("a: 1\n\tb: 2\n", 2, "cannot start any token"),
        ("a: 1\n---\nb: 2\n", 2, "but found another document"),
        ("a: 1\nstart: 2026-02-31\n", 2, "a timestamp that does not exist"),
        ("a: !!int x\n", 1, "a int that does not exist"),
        ("a: !!timestamp x\n", 1, "a timestamp that does not exist"),
        ("? [a]\n: 1\n", 1, "found unhashable key"),
        ("!!map x", 1, "expected a mapping node"),
        ("a: 1\nb: \0", 2, "a character that YAML does not have"),
        ("[" * 5_000, None, "nested too deeply"),
    ],
)
def test_a_mistake_has_a_line_and_a_reason(text: str, line: int | None, said: str) -> None:
    error = mistake(text)
    assert error.line == line
    assert said in str(error)


SECRETS = (
    "sasl.password: *hunter2",
    "sasl.password: !hunter2",
    "sasl.password: !hunter2!x y",
    "sasl.password: !<hunter2> x",
    "sasl.password: hunter2: x",
    "sasl.password: [hunter2",
    "sasl.password: 'hunter2",
    'sasl.password: "hunter2\\q"',
    "sasl.password: %hunter2",
    "sasl.password: @hunter2",
    "sasl.password: hunter2\n bad: x",
    "sasl.password: &hunter2 x\nb: &hunter2 y\n",
    "? {hunter2: x}\n: y",
    "%hunter2 x\n---\n",
)


@pytest.mark.parametrize("line", SECRETS)
def test_no_message_and_no_cause_quotes_the_file(line: str) -> None:
    error = mistake(f"kafka:\n  {line}", "kafka")
    shown = "".join(traceback.format_exception_only(error)), repr(error.__cause__), repr(error.remedy)
    assert error.__suppress_context__
    assert "hunter2" not in "".join(shown)


def test_a_value_that_begins_like_a_tag_gets_the_way_out() -> None:
    for text in ("a: *secret", "a: !secret", "a: !x!y z"):
        error = mistake(text)
        assert str(error) == "a value begins with * or !"
        assert error.remedy == "put the value in quotes"


def test_a_variable_in_braces_gets_the_way_out() -> None:
    error = mistake("kafka: {sasl.password: ${PASSWORD}}", "kafka")
    assert error.remedy == "put ${NAME} in quotes"


@pytest.mark.parametrize(
    "written", ["0123", "yes", "1e3", "2026-01-31", "12:30", "0x1F", "1_000", "true", "-5", "=", "'007'"]
)
def test_in_a_text_section_a_value_is_what_was_written(written: str) -> None:
    found: Any = parsed(f"kafka:\n  sasl.password: {written}\nother: 0123", ("kafka",))
    assert found == {"kafka": {"sasl.password": written.strip("'")}, "other": 83}
    assert parsed(f"{{on: {written}}}", all_text=True) == {"on": written.strip("'")}


def test_nothing_stays_nothing_in_a_text_section() -> None:
    assert parsed("kafka:\n  a:\n  b: ~\n", ("kafka",)) == {"kafka": {"a": None, "b": None}}
