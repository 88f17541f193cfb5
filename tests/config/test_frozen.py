"""A mapping that stays as it was."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.config.frozen import FrozenMapping

FOUND: FrozenMapping[str, int] = FrozenMapping({"a": 1, "b": 2})
CHANGES: dict[str, Callable[[Any], Any]] = {
    "set": lambda found: found.__setitem__("a", 2),
    "delete": lambda found: found.__delitem__("a"),
    "or": lambda found: found.__ior__({"c": 3}),
    "update": lambda found: found.update(c=3),
    "pop": lambda found: found.pop("a"),
    "popitem": lambda found: found.popitem(),
    "clear": lambda found: found.clear(),
    "setdefault": lambda found: found.setdefault("c", 3),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_change(change: str) -> None:
    with pytest.raises(TypeError, match="settings are frozen"):
        CHANGES[change](FOUND)
    assert FOUND == {"a": 1, "b": 2}


def test_every_method_of_a_dict_that_changes_it_is_refused() -> None:
    own = {name for name in vars(FrozenMapping) if name in vars(dict)}
    reading = {"copy", "fromkeys", "get", "items", "keys", "values"}
    public = {name for name in vars(dict) if not name.startswith("_")}
    assert public - reading <= own
    assert {"__setitem__", "__delitem__", "__ior__"} <= own


def test_it_is_still_a_dict() -> None:
    assert isinstance(FOUND, dict)
    assert json.loads(json.dumps(FOUND)) == FOUND
    assert {**FOUND, "c": 3} == {"a": 1, "b": 2, "c": 3}


def test_equal_mappings_have_equal_hashes_in_any_order() -> None:
    assert hash(FOUND) == hash(FrozenMapping({"b": 2, "a": 1}))
    assert hash(FOUND) != hash(FrozenMapping({"a": 1}))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))])  # noqa: S301
def test_copies_are_frozen_too(again: Callable[[Any], Any]) -> None:
    found = again(FOUND)
    assert found == FOUND
    assert type(found) is FrozenMapping
