"""Several writers: of one target, frozen and thawed, and of twenty targets in one dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.child import Blow
from tests.end_to_end.frozen import frozen
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


@pytest.mark.fault("A1")
def test_two_writers_at_once_leave_each_row_once(pipe: PipeFactory) -> None:
    """A manual run and a scheduled one. One fences the other; both end, or the loser says that it lost."""
    made = pipe(batch_messages=2)
    wanted = made.produce_ten()
    runs = [made.start() for _ in range(3)]
    reports = [one.finish(120) for one in runs]
    assert all(report.get("outcome") == "end" or report["error"] == "MergeConflictError" for report in reports), reports
    assert any(report.get("outcome") == "end" for report in reports)
    made.run()
    assert made.coordinates() == wanted
    made.check_history()
    assert made.committed() == made.ledger()


def test_windows_in_parallel_beside_the_live_task(pipe: PipeFactory) -> None:
    """Three processes read overlapping windows while a fourth reads on; what was missing is counted once over all."""
    made = pipe()  # one batch each: four that merge can lose no more than three times
    wanted = made.produce_ten()
    made.run()
    made.query(f"DELETE FROM {made.name()} WHERE _kafka_offset IN (0, 3)")
    missing = sum(wanted.values()) - sum(made.coordinates().values())
    assert missing > 1
    wanted += made.produce_ten()
    before = made.committed()  # the windows end there: what the live task is about to read is not theirs
    first, middle = dict.fromkeys(before, 0), {part: end // 2 for part, end in before.items()}
    windows = ({"from": first, "to": before}, {"from": middle, "to": before}, {"from": first, "to": middle})
    runs = [made.start(settings=(f"window={window}",)) for window in windows]
    live = made.start()
    reports = [one.finish(180) for one in runs]
    assert {report.get("outcome") for report in reports} == {"window"}, reports
    assert live.finish(180)["outcome"] == "end"
    assert sum(report["missing_before"] for report in reports) == missing
    assert made.coordinates() == wanted
    assert made.ledger() == made.committed() != before
    audit = made.json("audit", str(made.path))
    assert audit["clean"], audit["findings"]


@pytest.mark.fault("A2")
@pytest.mark.parametrize(
    "effect",
    [*(pytest.param(one, marks=pytest.mark.slow) for one in ("warehouse.load", "source.commit")), "warehouse.merge"],
)
def test_a_thawed_zombie_changes_nothing(pipe: PipeFactory, effect: str) -> None:
    """The first run freezes, a retry does all the work and more, the first one wakes up."""
    made = pipe(batch_messages=4)
    wanted = made.produce_ten()
    zombie = made.start(Blow(effect, "before", action="freeze"))
    zombie.freezes()
    assert made.run()["outcome"] == "end"
    wanted += made.produce_ten()
    assert made.run()["outcome"] == "end"
    before = made.ledger()
    zombie.thaw()
    zombie.finish()
    assert made.coordinates() == wanted
    assert made.ledger() == before
    made.check_history()
    made.run()  # a zombie may have set Kafka's commit back, which Kafka cannot fence; the next run repairs it
    assert made.committed() == before


@pytest.mark.fault("A2")
def test_a_thawed_zombie_does_not_bring_an_older_row_back(pipe: PipeFactory) -> None:
    """With updates: newer versions came and were applied while the first run slept before its MERGE."""
    made = pipe(partitions=1, model="zombie_orders:Order", dedup_key=["id"], on_duplicate="update")
    (made.folder / "zombie_orders.py").write_text(
        "from pydantic import BaseModel\nclass Order(BaseModel):\n    id: str\n    n: int\n"
    )
    made.produce([{"id": f"o{number}", "n": 0} for number in range(4)])
    with frozen(made, "warehouse.merge") as zombie:
        assert made.run()["outcome"] == "end"
        made.produce([{"id": f"o{number}", "n": 1} for number in range(4)])
        assert made.run()["outcome"] == "end"
        before = made.query(f"SELECT * FROM {made.name()} ORDER BY id")
    zombie.finish()
    assert made.query(f"SELECT * FROM {made.name()} ORDER BY id") == before
    assert [row[:2] for row in before] == [(f"o{number}", 1) for number in range(4)]
    assert made.ledger() == {0: 8}
    made.check_history()


def _ended(report: dict[str, Any]) -> None:
    assert report.get("outcome") == "end", report


@pytest.mark.fault("A10")
@pytest.mark.parametrize("count", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_many_pipelines_share_a_dataset(pipe: PipeFactory, count: int) -> None:
    """Nothing of one pipeline reaches another; only writers of one target can conflict."""
    pipes = [pipe(partitions=1, table=f"table_{number}") for number in range(count)]
    wanted = [one.produce_ten() for one in pipes]
    running: list[tuple[Pipe, Any]] = []
    for one in pipes:
        running.append((one, one.start()))
        if len(running) >= 4:
            _ended(running.pop(0)[1].finish(120))
    for _, child in running:
        _ended(child.finish(120))
    for one, rows in zip(pipes, wanted, strict=True):
        assert one.coordinates() == rows
        assert one.committed() == one.ledger() == {0: 10}
