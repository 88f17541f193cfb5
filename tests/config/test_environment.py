"""Secrets come from the environment, whole, and never into a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.config.environment import expanded
from airflow_kafka_bq.exceptions import ConfigError
from tests.config.drawing import few

ENVIRONMENT = {"USER": "shop", "PASSWORD": "hunter2 ${USER} $${USER}", "EMPTY": "", "_1": "one"}


def value(text: str) -> object:
    return expanded("kafka", {"sasl.password": text}, ENVIRONMENT)["sasl.password"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("${USER}", "shop"),
        ("a${USER}b${_1}c", "ashopbonec"),
        ("${PASSWORD}", "hunter2 ${USER} $${USER}"),  # what comes from the environment is not read again
        ("${EMPTY}", ""),
        ("$${USER}", "${USER}"),
        ("$$${USER}", "$${USER}"),
        ("$USER $ {USER} $$", "$USER $ {USER} $$"),
    ],
)
def test_a_reference(text: str, found: str) -> None:
    assert value(text) == found


@few
@given(st.text())
def test_text_without_a_reference_is_untouched(text: str) -> None:
    text = text.replace("${", "")
    assert value(text) == text


@few
@given(st.text())
def test_every_text_can_be_escaped(text: str) -> None:
    assert value(text.replace("${", "$${")) == text


def test_what_is_no_text_is_untouched() -> None:
    assert expanded("kafka", {"a": 5, "b": None}, ENVIRONMENT) == {"a": 5, "b": None}


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BQ_TEST_VALUE", "x")
    assert expanded("kafka", {"a": "${KAFKA_BQ_TEST_VALUE}"}) == {"a": "x"}


def test_a_missing_variable_is_named_and_no_value_is_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        value("prefix-hunter2-${PASSWORD}-${MISSING}")
    assert caught.value.message == "kafka.sasl.password: the environment variable MISSING is not set"
    assert "set MISSING" in (caught.value.remedy or "")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["${", "${}", "${A-B}", "${1A}", "${A", "${A:-hunter2}", "${ USER }", "hunter2${"])
def test_a_malformed_reference_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        value(text)
    assert "kafka.sasl.password: ${ is not followed by a name and }" in str(caught.value)
    assert "$${" in (caught.value.remedy or "")
    assert "hunter2" not in str(caught.value)
