"""Seek and repair as tasks, on the real broker and the local BigQuery: killed in the middle, and tried again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.end_to_end.child import Blow
from tests.end_to_end.members import member
from tests.end_to_end.on_call import connected, dies_at, ended, tried
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
pytestmark = [pytest.mark.usefixtures("airflow_database"), pytest.mark.timeout(240)]
SEEK, REPAIR = "SeekConsumerGroupOperator", "RepairDuplicatesOperator"
DAY_MS = 86_400_000


@pytest.mark.slow
@pytest.mark.kill
def test_a_seek_that_is_killed_behind_the_move_skips_nothing_more(pipe: PipeFactory, tmp_path: Path) -> None:
    made = pipe(partitions=2)
    for first in (0, 10):
        made.produce([NewMessage({"n": at}, partition=at % 2) for at in range(first, first + 10)])
        if not first:
            assert made.run()["outcome"] == "end"
    undo_file = str(tmp_path / "undo.json")
    with connected(made) as job:
        dies_at(Blow("warehouse.place", "after"), tmp_path, SEEK, **job, to="latest", undo_file=undo_file)
        assert (made.ledger(), made.committed()) == ({0: 10, 1: 10}, {0: 5, 1: 5})
        made.produce([NewMessage({"n": at}, partition=at % 2) for at in (20, 21)])
        state, found = tried(SEEK, **job, to="latest", undo_file=undo_file)
        assert (state, found["changed"], found["committed"]) == ("success", False, True)
        assert made.ledger() == made.committed() == {0: 10, 1: 10}
        assert made.run()["messages"] == 2, "what came between the two tries"
        audit = made.json("audit", str(made.path))
        assert (audit["clean"], sum(one["end"] - one["start"] for one in audit["skipped"])) == (True, 10)
        with member(made):
            assert tried(SEEK, **{**job, "undo": undo_file, "dry_run": True})[0] == "failed"


@pytest.mark.slow
@pytest.mark.kill
def test_a_repair_that_is_killed_between_two_parts_is_finished_in_its_backup(pipe: PipeFactory, tmp_path: Path) -> None:
    made = pipe(partitions=1)
    base = (int(time.time()) * 1000 // DAY_MS - 1) * DAY_MS  # yesterday: retention takes what is much older
    made.produce([NewMessage({"n": at}, partition=0, timestamp_ms=base + at // 2 * DAY_MS) for at in range(4)])
    assert made.run()["outcome"] == "end"
    made.query(f"INSERT INTO {made.name()} SELECT * FROM {made.name()} WHERE _kafka_offset IN (0, 2)")
    before = made.coordinates()
    with connected(made) as job:
        dies_at(Blow("repairs.remove", "after"), tmp_path, REPAIR, **job)
        assert sum(made.coordinates().values()) == 5
        state, found = tried(REPAIR, **job)
        assert (state, found["removed"], found["left"]["by_key"]) == ("success", 2, 0)
        assert made.coordinates() == Counter({(0, at): 1 for at in range(4)})
        assert [name for name in made.tables() if "__repair_" in name] == [found["backup"].rpartition(".")[2]]
        assert tried(REPAIR, **job, undo=found["backup"])[1]["restored"] == 2
        assert made.coordinates() == before


@pytest.mark.parametrize("operator", ["KafkaToBigQueryOperator", "PlanKafkaToBigQueryOperator"])
def test_a_window_of_a_form_that_lies_in_the_future_is_named_without_a_retry(
    pipe: PipeFactory, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, operator: str
) -> None:
    """Only a real broker finds offsets by times."""
    made = pipe(partitions=2)
    made.produce([NewMessage({"n": at}, partition=at % 2) for at in range(4)])
    window = {"from": "{{ params.a }}", "to": "{{ params.b }}"}
    form = {"a": "2999-01-01", "b": "2999-01-02T06:00:00+00:00"}
    with connected(made) as job:
        instance = ended(operator, form, **job, window=window, retries=2, retry_delay=timedelta(0))
    told = caplog.text + "".join(capfd.readouterr())
    assert (str(instance.state), instance.try_number) == ("failed", 1)
    said = "window: 'from' (2999-01-01T00:00:00+00:00) lies in the future; it is "
    assert said in told
    assert "begin at a time that has passed; times are UTC" in told.partition(said)[2]
    assert not made.tables()
