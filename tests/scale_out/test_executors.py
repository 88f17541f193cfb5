"""A run in slices on CeleryExecutor with two workers, and on LocalExecutor: undisturbed, and with a worker killed."""

from __future__ import annotations

import pytest

from benchmarks.scale_out import strikes
from benchmarks.scale_out.airflow import LOOK_SECONDS, MISSED_AFTER_SECONDS
from benchmarks.scale_out.strikes import Done
from tests.scale_out.conftest import MESSAGES, Place

pytestmark = [
    pytest.mark.kafka, pytest.mark.bigquery, pytest.mark.airflow, pytest.mark.kill, pytest.mark.slow,
    pytest.mark.timeout(900),
]  # fmt: skip
# What Airflow's own loops may add on a busy machine to the time after which it misses a worker.
_SLACK_SECONDS = 60.0


def tries(done: Done) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for (task_id, _), count in done.tries().items():
        found.setdefault(task_id.removeprefix("orders."), []).append(count)
    return {task_id: sorted(counts) for task_id, counts in found.items()}


def test_two_slices_leave_what_one_task_leaves(place: Place) -> None:
    done = strikes.sliced(place.ground, place.airflow, place.topic)
    assert place.ground.rows(done.table) == MESSAGES
    assert place.ground.rows_that_differ(place.whole.table, done.table) == 0
    assert tries(done) == {"plan": [1], "stage": [1, 1], "merge": [1]}
    first, second = (done.tasks[strikes.STAGE, number] for number in (0, 1))
    assert max(first["start_date"], second["start_date"]) < min(first["end_date"], second["end_date"]), "not at once"


def test_a_worker_killed_in_mid_slice_costs_its_slice_alone(place: Place) -> None:
    place.two_workers()
    done = strikes.killed_in_mid_slice(place.ground, place.airflow, place.topic, load=5)
    assert tries(done) == {"plan": [1], "stage": [1, 2], "merge": [1]}
    assert place.ground.rows(done.table) == MESSAGES
    assert place.ground.rows_that_differ(place.whole.table, done.table) == 0
    assert done.started is not None
    assert done.started < MISSED_AFTER_SECONDS + LOOK_SECONDS + _SLACK_SECONDS


def test_a_slice_that_was_staged_when_its_worker_died_is_not_read_again(place: Place) -> None:
    place.two_workers()
    done = strikes.killed_when_staged(place.ground, place.airflow, place.topic)
    assert tries(done) == {"plan": [1], "stage": [1, 2], "merge": [1]}
    assert "was staged by an earlier try" in done.retried
    assert "messages are staged as" not in done.retried
    assert done.loads_after == ()
    assert place.ground.rows_that_differ(place.whole.table, done.table) == 0
