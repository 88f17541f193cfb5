"""The command line in a process of its own that dies at a named effect: ``python -m … EFFECT PHASE NTH -- COMMAND…``.

The effects are calls of the adapters (``source.commit``, ``warehouse.register``, …) and ``undo.write``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.end_to_end.child import Blow, Striker
from tests.end_to_end.pipe import ROOT

SOURCE = ("commit", "delete_group")
WAREHOUSE = ("create_ledger", "register", "place")


def dies_at(blow: Blow, folder: Path, *command: str) -> None:
    """Start ``kafka-bq`` with these arguments; it has to die at the blow."""
    arguments = [sys.executable, "-m", "tests.end_to_end.struck_command", blow.effect, blow.phase, str(blow.nth), "--"]
    done = subprocess.run(
        [*arguments, *command], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == -9, f"not killed: {done.returncode}\n{done.stdout}{done.stderr}"


def arm(effect: str, phase: str, nth: str) -> None:
    """Let this process die at an effect."""
    from airflow_kafka_bq.bigquery.repairs import BigQueryRepairs
    from airflow_kafka_bq.bigquery.warehouse import BigQueryWarehouse
    from airflow_kafka_bq.kafka.source import KafkaSource
    from airflow_kafka_bq.operations import undo

    striker = Striker(Blow(effect, phase, int(nth)), Path(f"trace-{os.getpid()}.txt"))
    places: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
        (KafkaSource, "source", SOURCE), (BigQueryWarehouse, "warehouse", WAREHOUSE), (undo, "undo", ("write",)),
        (BigQueryRepairs, "repairs", ("remove",)),
    )  # fmt: skip
    for owner, room, names in places:
        for name in names:
            setattr(owner, name, _struck(striker, f"{room}.{name}", getattr(owner, name)))


def _struck(striker: Striker, effect: str, call: Any) -> Any:
    def struck(*arguments: Any, **named: Any) -> Any:
        return striker.wrapped(effect, call)(*arguments, **named)

    return struck


if __name__ == "__main__":
    effect, phase, nth, _, *command = sys.argv[1:]
    arm(effect, phase, nth)
    from airflow_kafka_bq.cli import main

    main(command)
