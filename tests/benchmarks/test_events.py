from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from benchmarks.events import Event, values


def test_the_same_seed_gives_the_same_messages_each_with_an_id_of_its_own() -> None:
    found = list(values(1_000))
    assert found == list(values(1_000))
    assert found != list(values(1_000, seed=1))
    assert len({Event.model_validate_json(value).event_id for _, value in found}) == 1_000
    assert 230 < sum(len(value) for _, value in found) / 1_000 < 260


def test_each_so_many_th_is_bad() -> None:
    found = [value for _, value in values(30, bad_every=10)]
    for number, value in enumerate(found):
        assert json.loads(value)
        if number % 10:
            Event.model_validate_json(value)
        else:
            with pytest.raises(ValidationError):
                Event.model_validate_json(value)
