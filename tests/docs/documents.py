"""The documents that the command line prints, as the code makes them, and as a page describes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.config.destination import Destination
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.operations.audit import audit
from airflow_kafka_bq.operations.doctor import examine
from airflow_kafka_bq.operations.findings import report
from airflow_kafka_bq.operations.lag import lag_of
from airflow_kafka_bq.operations.migrate import Migration, migrate
from airflow_kafka_bq.operations.preview import preview
from airflow_kafka_bq.operations.redrive import rehearse
from airflow_kafka_bq.operations.repair import repair, undo
from airflow_kafka_bq.operations.schema import schema_of
from airflow_kafka_bq.operations.seek import Wish, seek
from tests.operations.doubling import copy, other_order
from tests.pipeline.world import TABLE, TOPIC, World

_ROW = re.compile(r"^\| ((?:`[^`]+`(?:, )?)+) \|", re.MULTILINE)


def paths(document: Any, prefix: str = "") -> Iterator[str]:
    """``partitions.*.start``, ``gaps[].end``: the leaves of a document, numbers of partitions as a star."""
    if isinstance(document, dict) and document:
        for name, value in document.items():
            yield from paths(value, f"{prefix}.{'*' if name.isdecimal() else name}".lstrip("."))
    elif isinstance(document, list) and document and isinstance(document[0], dict):
        yield from paths(document[0], f"{prefix}[]")
    else:
        yield prefix


def section(page: str, heading: str) -> str:
    """Text below a heading, up to the next of its level or above. A comment in a block of code is no heading."""
    _, found, rest = page.partition(f"\n{heading}\n")
    assert found, f"no heading {heading!r}"
    ends = re.compile(rf"#{{1,{heading.index(' ')}}} ")
    lines, inside = list[str](), False
    for line in rest.splitlines(keepends=True):
        inside ^= line.lstrip().startswith("```")
        if not inside and ends.match(line):
            break
        lines.append(line)
    return "".join(lines)


def described(page: str, heading: str) -> list[str]:
    """Fields in the first column of a section's tables."""
    rows = _ROW.findall(section(page, heading))
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def with_a_gap() -> World:
    """A topic of which messages are gone, and a table that differs from the job."""
    world = World()
    world.fill(10)
    world.run(max_messages=3)
    world.cluster.delete_records("shop.orders", 0, 6)
    return world


def with_a_letter() -> dict[str, Any]:
    """What a redrive would do with a message that is no JSON."""
    world = World(1)
    world.send(b"{")
    world.run(max_bad_ratio=None)
    return rehearse(world.job(), LetterSelection())


def with_an_old_group() -> dict[str, Any]:
    """What a migration would do."""
    world = World()
    world.cluster.groups.commit("old-shared", TOPIC, {0: Position(0)}, "")
    return migrate([world.job()], Migration("old-shared"), dry_run=True)


def with_findings() -> dict[str, Any]:
    """A table with a row too many, one too few, one of nobody, and a hole in front of its position."""
    world = World(1)
    world.fill(4)
    world.run(max_messages=3)
    world.run(window={"from": {0: 3}, "to": {0: 4}}, max_messages=1)
    copy(world, 1)
    other_order(world, "x", offset=99)
    world.database.delete(TABLE, lambda row: row["_kafka_offset"] == 2)
    found = audit(world.job(), against_kafka=True)
    done = repair(world.job())
    return {
        "### Audit": {**found, **{key: [{"partition": 0, "start": 4, "end": 5}] for key in ("unread", "skipped")}},
        "### Repair": done,
        "### Undo of a repair": undo(world.job(), done["backup"]),
        "### Doctor": report([examine("orders.yaml", world.job(isolation_level="read_uncommitted"))], []),
    }


def made() -> dict[str, Any]:
    """One full document of each kind, by its heading."""
    world = with_a_gap()
    job = world.job(on_gap="record")
    return {
        "### Plan": preview(job),
        "### Lag": lag_of(job),
        "### Schema": schema_of(job, diff=True),
        "### Run report": world.run(on_gap="record").to_json(),
        "### Dry run of a redrive": with_a_letter(),
        "### Migration": with_an_old_group(),
        "### Seek": seek(world.job(), Wish(Destination.of("latest"), accept_target=True), dry_run=True),
        **with_findings(),
    }
