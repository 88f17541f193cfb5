"""A window read again on the real broker and the local BigQuery: killed, beside others, twice, and with wrong input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
WINDOW = "window={from: {0: 1, 1: 0}, to: {0: 5, 1: 4}}"
KILLS = [Blow("client.merge", "after"), Blow("client.load", "after"), Blow("warehouse.merge", "after")]


def _with_rows_gone(pipe: PipeFactory) -> Pipe:
    """Six messages in each partition; the rows of three of them are gone, and two more messages are unread."""
    made = pipe(partitions=2, batch_messages=3)
    made.produce([NewMessage({"n": at}, partition=at % 2) for at in range(12)])
    assert made.run()["messages"] == 12
    gone = "(_kafka_partition = 0 AND _kafka_offset IN (1, 4)) OR (_kafka_partition = 1 AND _kafka_offset = 3)"
    made.query(f"DELETE FROM {made.name()} WHERE {gone}")
    made.produce([NewMessage({"n": at}, partition=at % 2) for at in (12, 13)])
    return made


def _check(made: Pipe, per_partition: int) -> None:
    wanted = Counter({(part, at): 1 for part in (0, 1) for at in range(per_partition)})
    assert made.coordinates() == wanted
    made.check_history()


@pytest.mark.kill
@pytest.mark.parametrize(
    "blow", [*KILLS[:1], *(pytest.param(one, marks=pytest.mark.slow) for one in KILLS[1:])], ids=str
)
def test_a_replay_that_is_killed_is_given_again_and_moves_no_position(pipe: PipeFactory, blow: Blow) -> None:
    made = _with_rows_gone(pipe)
    before = (made.ledger(), made.committed())
    made.start(blow, settings=(WINDOW,)).dies()
    replay = ("replay", str(made.path), "--from", "0:1,1:0", "--to", "0:5,1:4")
    told = made.json(*replay, "--dry-run")
    assert (told["kind"], told["lag"]) == ("window", 8)
    assert made.json(*replay)["outcome"] == "window"
    assert (made.ledger(), made.committed()) == before
    _check(made, 6)
    again = made.json(*replay)
    assert (again["missing_before"], again["rows"]["unchanged"]) == (0, 8)
    assert made.run()["messages"] == 2, "the live position is where it was"
    _check(made, 7)


@pytest.mark.slow
def test_two_windows_beside_a_live_run(pipe: PipeFactory) -> None:
    made = _with_rows_gone(pipe)
    children = [made.start(settings=settings) for settings in ((WINDOW,), ("window={from: {0: 0}, to: {0: 6}}",), ())]
    outcomes = [child.finish().get("outcome") for child in children]
    assert outcomes == ["window", "window", "end"]
    _check(made, 7)


@pytest.mark.slow
def test_what_is_wrong_is_named_by_the_real_cluster_too(pipe: PipeFactory) -> None:
    made = _with_rows_gone(pipe)
    before = (made.ledger(), made.committed(), made.coordinates())
    day = ("--from", "2026-01-01", "--to", "2026-01-02")
    for options, error, said in (
        ((*day, "--partitions", "7"), "NotFoundError", "no partitions [7]; it has 2"),
        (("--from", "0:500", "--to", "0:900"), "ConfigError", "partition 0 ends at 7, and 'from' is 500"),
        (("--from", "2999-01-01", "--to", "2999-01-02"), "ConfigError", "lies in the future"),
        ((*day, "--set", "topic=topic-that-is-gone"), "NotFoundError", "topic-that-is-gone"),
    ):
        failure = made.json("replay", str(made.path), *options)
        assert (failure["error"], said in failure["message"], bool(failure["remedy"])) == (error, True, True), failure
    assert (made.ledger(), made.committed(), made.coordinates()) == before
