"""Staging tables and targets that expire or are dropped while a run is under way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.end_to_end.child import Blow
from tests.end_to_end.frozen import frozen
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import kept, restored

PipeFactory = Callable[..., Pipe]


def staging(made: Pipe) -> list[str]:
    return sorted(f"{made.dataset}.{name}" for name in made.tables() if "__stg_" in name)


@pytest.mark.fault("Q8")
@pytest.mark.parametrize("part", ["rows", pytest.param("dead", marks=pytest.mark.slow)])
def test_staging_that_is_gone_before_the_merge_is_named_and_loaded_anew(pipe: PipeFactory, part: str) -> None:
    """The rows' table, or the dead letters': nothing of the batch is applied."""
    made = pipe(partitions=1, max_bad_ratio=None)
    sent = made.produce([{"n": 1}, b"{poison", {"n": 2}])
    with frozen(made, "warehouse.merge") as child:
        for name in staging(made):
            if f"_{part}_" in name:
                made.client.delete_table(name)
    failure = child.finish()
    assert failure["error"] == "WarehouseUnavailableError", failure
    assert "gone" in failure["message"]
    assert (failure["topic"], failure["group_id"], failure["remedy"]) == (made.topic, made.group_id, "run it again")
    assert failure["batch_id"]
    assert made.committed() == {}
    assert made.ledger() == {0: 0}
    restored(made, sent, sent[1:2])


@pytest.mark.fault("Q8")
def test_staging_that_expires_while_the_run_is_dead_is_loaded_anew(pipe: PipeFactory) -> None:
    """The load job still says that it is done; its table has passed its time."""
    made = pipe(partitions=1)
    sent = made.produce([{"n": number} for number in range(4)])
    made.start(Blow("warehouse.load", "after")).dies()
    (name,) = staging(made)
    made.query(f"ALTER TABLE `{name}` SET OPTIONS (expiration_timestamp = TIMESTAMP '2001-01-01')")
    assert staging(made) == []
    restored(made, sent)


@pytest.mark.fault("Q8")
@pytest.mark.parametrize(
    "effect",
    [
        "warehouse.merge",
        pytest.param("warehouse.load", marks=pytest.mark.slow),
        pytest.param("warehouse.ledger", marks=pytest.mark.slow),
    ],
)
def test_a_target_that_is_dropped_during_a_run_is_named_and_filled_again_by_the_book(
    pipe: PipeFactory, effect: str
) -> None:
    """Nothing is committed for rows that nobody has; the way on is that of docs/operations.md."""
    made = pipe(partitions=1)
    sent = made.produce([{"n": number} for number in range(4)])
    made.run()
    sent += made.produce([{"n": number} for number in range(4)])
    with frozen(made, effect) as child:
        made.client.delete_table(f"{made.dataset}.{made.table}")
    failure = child.finish()
    assert failure["error"] == "TargetChangedError", failure
    assert failure["remedy"]
    assert made.committed() == made.ledger() == {0: 4}
    assert made.run()["error"] == "TargetChangedError"
    _start_over(made)
    assert made.run("start=earliest")["outcome"] == "end"
    assert made.coordinates() == {(one.partition, one.offset): 1 for one in sent}
    assert made.committed() == made.ledger() == {0: 8}


def _start_over(made: Pipe) -> None:
    """As docs/operations.md says, under "Start over"."""
    done = made.command("seek", str(made.path), "--accept-target", "--to", "earliest")
    assert done.returncode == 0, done.stderr


@pytest.mark.fault("Q8")
@pytest.mark.slow
@pytest.mark.parametrize("companion", ["__ledger", "__batches", "__dead_letters"])
def test_a_companion_that_is_dropped_during_a_run_is_named(pipe: PipeFactory, companion: str) -> None:
    """Without it nothing can be applied; the next run makes it anew, and with coordinates nothing is doubled."""
    made = pipe(partitions=1, max_bad_ratio=None, start="earliest")
    sent = made.produce([{"n": 1}, b"{poison", {"n": 2}])
    with frozen(made, "warehouse.merge") as child:
        made.client.delete_table(f"{made.dataset}.{made.table}{companion}")
    failure = child.finish()
    assert "error" in failure, failure
    assert failure["remedy"]
    assert made.committed() == {}
    made.run()
    kept(made, sent, sent[1:2])
