"""Positions that are moved, in a world in memory; undo files go to a folder that a test names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airflow_kafka_bq.config.destination import Destination
from airflow_kafka_bq.operations.seek import Wish, seek
from airflow_kafka_bq.operations.undo import read
from airflow_kafka_bq.testing.memory import Killed
from tests.pipeline.world import Assassin, Hook, World


def wish(to: Any = None, partitions: Any = None, accept: tuple[str, ...] = ()) -> Wish:
    destination = Destination.of(to, partitions) if to is not None else None
    return Wish(destination, "topic" in accept, "target" in accept)


def sought(
    world: World, to: Any = None, *, folder: Path, hook: Hook | None = None, partitions: Any = None,
    dry_run: bool = False, accept: tuple[str, ...] = (), **settings: Any,
) -> dict[str, Any]:  # fmt: skip
    """One ``seek``; its document, which is JSON."""
    job = world.job(hook, **settings)
    found = seek(job, wish(to, partitions, accept), dry_run=dry_run, undo_file=folder / "undo.json")
    assert json.loads(json.dumps(found)) == found
    return found


def undone(
    world: World, folder: Path, *, hook: Hook | None = None, dry_run: bool = False, **settings: Any
) -> dict[str, Any]:
    """The last one taken back."""
    return seek(world.job(hook, **settings), Wish(undo=read(folder / "undo.json")), dry_run=dry_run)


def killed_at(at: int, act: Any) -> str | None:
    """Run ``act`` with a hook that ends it at its n-th effect; where, or None if it had no more effects."""
    assassin = Assassin(at)
    try:
        act(assassin)
    except Killed:
        return assassin.names[-1]
    return None
