"""``kafka-bq migrate-group`` killed between any two of its effects: finished by doing it again, and taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.cli.commands import Command
from tests.cli.conftest import kafka_bq
from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.struck_command import dies_at
from tests.end_to_end.test_migration import _read_old, commit_old

__all__ = ["kafka_bq"]

PipeFactory = Callable[..., Pipe]
MOVED = {0: 4, 1: 3}
# Effect by effect, of two jobs: both are written down, moved in ledger and group, and then the old group goes.
KILLS = [
    Blow("undo.write", "before"),
    Blow("undo.write", "after", nth=2),
    Blow("warehouse.create_ledger", "after"),
    Blow("warehouse.register", "after"),
    Blow("source.commit", "after"),
    Blow("warehouse.register", "after", nth=2),
    Blow("source.commit", "after", nth=2),
    Blow("undo.write", "after", nth=3),
    Blow("source.delete_group", "after"),
]
QUICK = {"after-warehouse.register-1", "after-source.delete_group-1"}


def _stand(made: Pipe) -> dict[int, int]:
    if f"{made.table}__ledger" not in made.tables():
        return {}
    rows = made.query(f"SELECT pipeline FROM {made.name('__ledger')} WHERE pipeline != '*'")
    return made.ledger() if rows else {}


@pytest.mark.kill
@pytest.mark.fault("A12")
@pytest.mark.parametrize(
    "blow", [pytest.param(one, marks=() if str(one) in QUICK else pytest.mark.slow, id=str(one)) for one in KILLS]
)
def test_killed_anywhere_it_is_finished_by_doing_it_again(
    pipe: PipeFactory, kafka_bq: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blow: Blow
) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = pipe(table="one"), pipe(table="two")
    group_id, paths = f"old-{one.topic}", (str(one.path), str(two.path))
    for made in (one, two):
        made.produce([NewMessage({"n": number}, partition=number % 2) for number in range(10)])
    commit_old([one, two], {one.topic: MOVED, two.topic: MOVED}, group_id)
    migrate = ("migrate-group", "--from-group", group_id, *paths, "--delete-old", "--undo-file", "u.json")

    dies_at(blow, tmp_path, *migrate)
    for made in (one, two):  # a run that comes in between would begin there, or not at all
        assert _stand(made) in ({}, MOVED)
        assert made.committed().items() <= _stand(made).items(), "the group never leads"

    done = kafka_bq(*migrate, "--json")
    assert done.code == 0, done.out
    assert done.json()["old_group"] == "deleted"
    for made in (one, two):
        assert made.ledger() == made.committed() == MOVED
        assert _read_old(made, group_id) == {}
    again = kafka_bq(*migrate, "--json").json()
    assert [job["state"] for job in again["jobs"]] == ["there", "there"]

    assert kafka_bq("migrate-group", *paths, "--undo", "u.json").code == 0
    for made in (one, two):
        assert (made.ledger(), _read_old(made, group_id)) == ({}, MOVED)
    assert kafka_bq(*migrate).code == 0
    assert one.run("start=fail")["messages"] == 3
    assert one.coordinates() == Counter({(0, 4): 1, (1, 3): 1, (1, 4): 1})
