"""Runs that are killed, stopped or frozen at every effect; the next run leaves everything as if nothing had happened.

The rows K1 to K13 of the fault matrix, one test each, with a few fixed seeds. All seeds: ``python -m tests.campaign``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.cloud.bigquery import Client

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import KafkaBroker
from tests.campaign.ground import Ground, on_servers
from tests.campaign.points import ACTIONS
from tests.campaign.rows import SIZES, Cell, play
from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe

pytestmark = pytest.mark.kill
PipeFactory = Callable[..., Pipe]
Hold = Callable[..., None]

# What no row is about: the first run makes its tables, one after the other.
FIRST_RUN = [
    Blow("warehouse.create", "after"),
    Blow("warehouse.create_ledger", "after"),
    Blow("warehouse.register", "before"),
    Blow("warehouse.register", "after"),
]
MESSAGES: list[Any] = [{"n": number, "text": "ä\n" * (number % 3)} for number in range(7)] + [
    b"{poison",
    None,
    {"n": 8},
]


@pytest.fixture
def ground(
    kafka: KafkaBroker, bigquery: LocalBigQuery, bigquery_client: Client, dataset: str, tmp_path: Path
) -> Ground:
    return on_servers(kafka, bigquery, bigquery_client, dataset, tmp_path)


@pytest.fixture
def hold(ground: Ground, record_property: Callable[[str, object], None]) -> Hold:
    """Play a row of the matrix, and see it hold."""

    def holds(row: str, action: str, size: str, seed: int = 1) -> None:
        diary = play(ground, seed, Cell(row, action, size))
        record_property("runs", diary.runs)
        record_property("seed", seed)
        assert not diary.problems, "\n".join(map(str, [*diary.problems, *diary.events]))

    return holds


def cells(quick: str) -> pytest.MarkDecorator:
    """Signals and sizes of batches: one of them always, the others where there is time."""
    always = {(quick, "small" if quick == "kill" else "large")}
    found = [
        pytest.param(action, size, marks=() if (action, size) in always else pytest.mark.slow)
        for action in ACTIONS
        for size in SIZES
    ]
    return pytest.mark.parametrize(("action", "size"), found)


@pytest.mark.fault("K1")
@cells("kill")
def test_struck_before_start_offsets_are_read(hold: Hold, action: str, size: str) -> None:
    hold("K1", action, size)


@pytest.mark.fault("K2")
@cells("freeze")
def test_struck_with_messages_returned_and_unread(hold: Hold, action: str, size: str) -> None:
    hold("K2", action, size)


@pytest.mark.fault("K3")
@cells("kill")
def test_struck_with_a_batch_full_before_it_is_staged(hold: Hold, action: str, size: str) -> None:
    hold("K3", action, size)


@pytest.mark.fault("K4")
@cells("freeze")
def test_struck_while_bigquery_loads_the_staging_table(hold: Hold, action: str, size: str) -> None:
    hold("K4", action, size)


@pytest.mark.fault("K5")
@cells("kill")
def test_struck_with_the_batch_staged_before_the_merge(hold: Hold, action: str, size: str) -> None:
    hold("K5", action, size)


@pytest.mark.fault("K6")
@cells("freeze")
def test_struck_while_a_merge_runs_that_succeeds_later(hold: Hold, action: str, size: str) -> None:
    hold("K6", action, size)


@pytest.mark.fault("K7")
@cells("kill")
def test_struck_while_a_merge_runs_that_fails_later(hold: Hold, action: str, size: str) -> None:
    hold("K7", action, size)


@pytest.mark.fault("K8")
@cells("freeze")
def test_struck_with_the_merge_durable_before_the_commit(hold: Hold, action: str, size: str) -> None:
    hold("K8", action, size)


@pytest.mark.fault("K9")
@cells("kill")
def test_struck_with_the_commit_sent_and_its_answer_unseen(hold: Hold, action: str, size: str) -> None:
    hold("K9", action, size)


@pytest.mark.fault("K10")
@cells("term")
def test_struck_after_the_commit_before_staging_is_cleaned_up(hold: Hold, action: str, size: str) -> None:
    hold("K10", action, size)


@pytest.mark.fault("K11")
@cells("kill")
def test_struck_between_two_batches(hold: Hold, action: str, size: str) -> None:
    hold("K11", action, size)


@pytest.mark.fault("K12")
@cells("freeze")
def test_struck_while_clients_are_closed(hold: Hold, action: str, size: str) -> None:
    hold("K12", action, size)


@pytest.mark.fault("K13")
@cells("kill")
def test_struck_twice_in_a_row_at_different_points(hold: Hold, action: str, size: str) -> None:
    """With messages that arrive between the two: the second run's batches have other ends than the first's."""
    hold("K13", action, size)


def _filled(pipe: PipeFactory, partitions: int = 2) -> tuple[Pipe, Counter[tuple[Any, ...]]]:
    made = pipe(partitions=partitions, batch_messages=3, max_bad_ratio=None)
    acknowledged = made.produce(MESSAGES)
    good = Counter(
        (one.partition, one.offset) for one, value in zip(acknowledged, MESSAGES, strict=True) if value != b"{poison"
    )
    return made, good


def _check_whole(pipe: Pipe, good: Counter[tuple[Any, ...]]) -> None:
    rows = pipe.query(f"SELECT _kafka_partition, _kafka_offset FROM {pipe.name()}")
    assert Counter(rows) == good
    letters = pipe.dead_letters()
    assert [letter[2:4] for letter in letters] == [("decode", b"{poison")]
    assert list(letters.values()) == [1]
    assert sum(pipe.ledger().values()) == len(MESSAGES)
    assert pipe.committed() == pipe.ledger()
    pipe.check_history()
    assert sum(batch["messages"] for batch in pipe.history()) == len(MESSAGES)


@pytest.mark.parametrize(
    "blow", [*(pytest.param(one, marks=pytest.mark.slow) for one in FIRST_RUN[:-1]), FIRST_RUN[-1]], ids=str
)
def test_a_kill_while_tables_are_made_leaves_no_trace(pipe: PipeFactory, blow: Blow) -> None:
    made, good = _filled(pipe)
    made.start(blow).dies()
    report = made.run()
    assert report.get("outcome") == "end", report
    _check_whole(made, good)


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_kill_at_every_call(pipe: PipeFactory, phase: str) -> None:
    """Every call of both ports, found by a clean run: not only the boundaries that somebody thought of."""
    clean, good = _filled(pipe)
    child = clean.start()
    child.finish()
    _check_whole(clean, good)
    polls = 0
    for effect, nth in child.effects():
        polls += effect == "source.poll"
        if (effect == "source.poll" and polls > 5) or "fetch_positions" in effect:
            continue
        made, expected = _filled(pipe)
        run = made.start(Blow(effect, phase, nth))
        run.process.join(60)
        report = made.run()
        assert report.get("outcome") == "end", (effect, nth, report)
        _check_whole(made, expected)


@pytest.mark.fault("A11")
@pytest.mark.parametrize("times", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_a_crash_loop_leaves_no_heap_of_staging_tables(
    pipe: PipeFactory, times: int, record_property: Callable[[str, object], None]
) -> None:
    """The staging of a batch has one name, however often its run dies: two batches, one with dead letters."""
    made, good = _filled(pipe, partitions=1)
    for _ in range(times):
        made.start(Blow("warehouse.merge", "before")).dies()
    staging = {name for name in made.tables() if "__stg_" in name}
    assert len(staging) <= 3, staging
    made.run()
    _check_whole(made, good)
    record_property("runs", times + 1)
