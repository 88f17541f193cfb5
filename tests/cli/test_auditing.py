"""``audit``: tables, days, findings, and how it ends."""

from __future__ import annotations

import pytest

from tests.cli.commands import Command
from tests.operations.doubling import DAY_MS, JANUARY_MS, copy
from tests.pipeline.world import TABLE, World

DOCUMENT = {
    "topic", "table", "dedup_key", "range", "clean", "findings", "rows", "duplicates", "null_keys", "examples", "days",
    "unread", "skipped", "missing", "without_history", "against_kafka", "unchecked", "estimated_bytes",
}  # fmt: skip


@pytest.fixture
def filled(kafka_bq: Command, world: World, job: str) -> str:
    """A job whose table has rows of two days."""
    for day in (0, 1, 1):
        world.send({"id": "a", "n": day}, timestamp_ms=JANUARY_MS + day * DAY_MS)
    assert kafka_bq("run", job).code == 0
    return job


def test_a_clean_table_ends_with_0(kafka_bq: Command, filled: str) -> None:
    done = kafka_bq("audit", filled)
    assert done.code == 0, done.err
    assert done.out.endswith("clean\n")
    assert "2026-01-01 ████████████████████ 1 row\n" in done.out
    assert "2026-01-02 ████████████████████████████████████████ 2 rows\n" in done.out


def test_findings_end_with_1(kafka_bq: Command, world: World, filled: str) -> None:
    copy(world, 1, times=2)
    world.database.delete(TABLE, lambda row: row["_kafka_offset"] == 0)
    done = kafka_bq("audit", filled)
    assert done.code == 1
    assert "2026-01-02 ████████████████████████████████████████ 4 rows, 2 too many\n" in done.out
    assert "found: rows too many by coordinates: 2, of 1 messages\n" in done.out
    assert "missing: 1 of the 3 messages of batch " in done.out
    assert "clean" not in done.out
    document = kafka_bq("audit", filled, "--json")
    assert (document.code, set(document.json())) == (1, DOCUMENT)
    assert document.json()["duplicates"]["by_key"] == {"groups": 1, "rows": 2}


def test_a_range_is_chosen(kafka_bq: Command, world: World, filled: str) -> None:
    copy(world, 1)
    first = kafka_bq("audit", filled, "--json", "--to", "2026-01-02")
    assert (first.code, first.json()["rows"]) == (0, 1)
    rest = kafka_bq("audit", filled, "--json", "--from", "2026-01-02").json()
    assert (rest["rows"], rest["range"]["from"]) == (3, "2026-01-02T00:00:00+00:00")


def test_many_days_are_shown_as_months(kafka_bq: Command, world: World, job: str) -> None:
    for day in range(70):
        world.send({"id": "a", "n": day}, timestamp_ms=JANUARY_MS + day * DAY_MS)
    kafka_bq("run", job)
    shown = [line.split()[0] for line in kafka_bq("audit", job).out.splitlines() if "█" in line]
    assert shown == ["2026-01", "2026-02", "2026-03"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "yesterday"), "--from: must be an ISO time"),
        (("--from", "2026-01-02", "--to", "2026-01-01"), "does not lie before --to"),
    ],
)
def test_a_wrong_range_is_named(kafka_bq: Command, job: str, options: tuple[str, ...], said: str) -> None:
    done = kafka_bq("audit", job, "--json", *options)
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
    assert said in done.failure()["message"]


def test_a_table_that_is_not_there_and_one_that_costs_too_much(kafka_bq: Command, world: World, job: str) -> None:
    assert kafka_bq("audit", job, "--json").failure()["error"] == "NotFoundError"
    world.fill(1)
    kafka_bq("run", job)
    refused = kafka_bq("audit", job, "--json", "--set", "max_bytes_billed=1")
    assert (refused.code, refused.failure()["error"]) == (3, "CostLimitError")
    assert "--from and --to" in refused.failure()["remedy"]
