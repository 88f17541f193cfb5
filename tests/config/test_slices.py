"""Parameters of a run in slices."""

from __future__ import annotations

import pytest

from airflow_kafka_bq.config.slices import MOST, SliceCount, check_sliceable
from airflow_kafka_bq.exceptions import ConfigError


def test_a_number_of_slices() -> None:
    assert [SliceCount.of(one) for one in (1, 7, MOST)] == [1, 7, MOST]


@pytest.mark.parametrize("wrong", [0, -1, MOST + 1, True, 2.0, "2", None], ids=repr)
def test_no_number_of_slices(wrong: object) -> None:
    with pytest.raises(ConfigError, match=f"expected a whole number from 1 to {MOST}"):
        SliceCount.of(wrong)


def test_bounds_of_a_whole_run_and_a_missing_fence_are_refused_by_name() -> None:
    check_sliceable({"fence": "ledger", "max_messages": None, "batch_messages": 5})
    bounds = [("max_messages", 0), ("max_bytes", 5), ("max_seconds", 1.5)]
    for name, value in (*bounds, ("fence", "none"), ("assignment", "subscribe")):
        with pytest.raises(ConfigError, match=name):
            check_sliceable({name: value})
