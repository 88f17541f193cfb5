"""Every parameter: its default, what it takes, what it refuses and with which words."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.rules import NOT_SUPPORTED_AT_ALL
from airflow_kafka_bq.exceptions import ConfigError
from tests.config.drawing import few
from tests.config.parameter_table import Order, keep_all
from tests.config.parameters import PARAMETERS

REQUIRED = {"topic": "shop.orders", "table": "analytics.orders"}
# None means "no limit" here, although the default is a limit.
NO_LIMIT = {"max_bad_ratio", "max_bytes_billed"}


def job(**parameters: Any) -> JobConfig:
    return JobConfig.of(**{**REQUIRED, **parameters})


def refusal(**parameters: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        job(**parameters)
    return caught.value


def words(annotation: Any) -> list[str]:
    """The words of every Literal in a type."""
    if get_origin(annotation) is Literal:
        return [word for word in get_args(annotation) if isinstance(word, str)]
    return [word for part in get_args(annotation) for word in words(part)]


def test_the_table_of_this_test_has_every_parameter() -> None:
    assert list(PARAMETERS) == list(JobConfig.model_fields)


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name not in REQUIRED])
def test_default(name: str) -> None:
    found = getattr(job(), name)
    assert found == PARAMETERS[name].default
    assert type(found) is not bool or type(PARAMETERS[name].default) is bool


@pytest.mark.parametrize("name", REQUIRED)
def test_required(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: is missing"):
        JobConfig.of(**{other: value for other, value in REQUIRED.items() if other != name})


@pytest.mark.parametrize("name", PARAMETERS)
def test_taken(name: str) -> None:
    for value, stored in PARAMETERS[name].good:
        found = getattr(job(**{**PARAMETERS[name].beside, name: value}), name)
        assert (value, found, isinstance(found, type(stored))) == (value, stored, True)


@pytest.mark.parametrize("name", PARAMETERS)
def test_refused_with_parameter_value_and_what_it_takes(name: str) -> None:
    assert [value for value in PARAMETERS[name].bad if not is_refused(name, value)] == []


def is_refused(name: str, value: Any) -> bool:
    """Whether the error says all there is to say."""
    try:
        job(**{**PARAMETERS[name].beside, name: value})
    except ConfigError as error:
        said = error.message
        return name in said and PARAMETERS[name].takes in said and shows(value, said) and "pydantic.dev" not in said
    return False


def shows(value: Any, message: str) -> bool:
    """The value, or, of a container or a long text, what is wrong in it."""
    if isinstance(value, dict | list | tuple | set) and value:
        inside = [*value.keys(), *value.values()] if isinstance(value, dict) else list(value)
        return repr(value)[:200] in message or any(shows(one, message) for one in inside) or "twice" in message
    return repr(value)[:200] in message or (
        isinstance(value, str) and (repr(value)[1:-1][:30] in message or len(value) > 100)
    )


@pytest.mark.parametrize("name", PARAMETERS)
def test_null_is_taken_where_none_is_the_default_or_means_no_limit(name: str) -> None:
    if name in NO_LIMIT or PARAMETERS[name].default is None:
        assert getattr(job(**{name: None}), name) is None
    else:
        assert refusal(**{name: None}).message.startswith(name)


@pytest.mark.parametrize(
    ("name", "word"), [(name, word) for name in PARAMETERS for word in words(JobConfig.model_fields[name].annotation)]
)
def test_every_word_of_the_contract_is_supported(name: str, word: str) -> None:
    try:
        job(**{name: word})
        said = ""
    except ConfigError as error:
        said = error.message
    assert "is not supported in this version" not in said


def test_parameters_that_this_version_leaves_out() -> None:
    assert set(NOT_SUPPORTED_AT_ALL) == {"deferrable"}
    assert "not supported in this version" in refusal(deferrable=True).message


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("tabel", "table"),
        ("dedup_keys", "dedup_key"),
        ("Topic", "topic"),
        ("kafka_config_id", "kafka_conn_id"),
        ("topics", "topic"),
        ("batch_size", "batch_"),
    ],
)
def test_unknown_parameters_fail_with_the_nearest_name(given: str, near: str) -> None:
    message = refusal(**{given: 1}).message
    assert f"unknown parameter {given!r} (did you mean '{near}" in message


def test_unknown_parameters_are_all_named_and_their_values_are_not() -> None:
    message = refusal(zzz="hunter2", yyy=1).message
    assert message == "unknown parameter 'yyy', 'zzz'"


def test_all_wrong_parameters_are_said_at_once() -> None:
    message = refusal(batch_messages=True, on_gap="ignore").message
    assert "batch_messages: must be a whole number" in message
    assert "on_gap: must be 'fail' or 'record' (given: 'ignore')" in message


def test_errors_know_the_topic() -> None:
    assert refusal(on_gap="ignore").topic == "shop.orders"
    assert refusal(unknown=1).topic == "shop.orders"
    assert refusal(unknown=1).exit_code == 2
    assert refusal(topic=5).topic is None


FULL: dict[str, Any] = {
    "model": Order,
    "transform": keep_all,
    "dedup_key": ["order_id"],
    "on_duplicate": "update",
    "labels": {"team": "shop"},
    "window": {"from": {0: 1}, "to": {0: 5}},
    "start": {0: 5},
    "table_options": {"labels": {"a": "b"}},
    "partition_by": "created_on:month",
    "tombstone_key": {"order_id": "id"},
    "key_format": "json",
}


def test_equal_parameters_are_equal_jobs_with_equal_hashes() -> None:
    assert job(**FULL) == job(**FULL)
    assert len({job(**FULL), job(**FULL), job()}) == 2


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))])  # noqa: S301
def test_a_job_survives_pickling_and_copying(again: Callable[[JobConfig], JobConfig]) -> None:
    found = again(job(**FULL))
    assert found == job(**FULL)
    with pytest.raises(TypeError, match="frozen"):
        found.labels["team"] = "other"


def test_a_job_is_frozen_through_and_through() -> None:
    given = {"team": "shop"}
    found = job(**{**FULL, "labels": given})
    given["team"] = "other"
    assert found.labels == {"team": "shop"}
    with pytest.raises(ValidationError, match="frozen"):
        found.topic = "other"  # type: ignore[misc]  # that is the test
    changes: list[Callable[[], Any]] = [
        lambda: found.labels.update(team="other"),
        lambda: found.labels.pop("team"),
        lambda: found.table_options.clear(),
        lambda: found.table_options["labels"].popitem(),
        lambda: found.start.setdefault(1, 1),
        lambda: found.window.end.__delitem__(0),  # type: ignore[union-attr]  # offsets
    ]
    for change in changes:
        with pytest.raises(TypeError, match="frozen"):
            change()
    assert found == job(**FULL)


def test_a_job_has_no_place_for_secrets() -> None:
    words = ("password", "secret", "token", "credential", "private", "sasl", "ssl", "extra")
    assert [name for name in JobConfig.model_fields if any(word in name for word in words)] == []
    assert "hunter2" not in refusal(kafka={"sasl.password": "hunter2"}).message


SCALARS = (
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    *(st.dates(), st.datetimes(), st.binary(max_size=3)),
)
ANYTHING = st.recursive(
    st.one_of(*SCALARS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@few
@given(st.dictionaries(st.sampled_from(sorted(JobConfig.model_fields)), ANYTHING, max_size=3))
def test_whatever_is_given_becomes_a_job_or_a_config_error(parameters: dict[str, Any]) -> None:
    try:
        found = job(**parameters)
    except ConfigError as error:
        said = error.message
        named = [name for name in parameters if name in said]
    else:
        named = list(parameters)
        assert hash(found) == hash(job(**parameters))
        assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301
    assert bool(named) == bool(parameters)
