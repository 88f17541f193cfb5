"""``redrive``: the run, the look before it, and options that are wrong."""

from __future__ import annotations

import pytest

from tests.cli.commands import REPORT, Command
from tests.pipeline.world import World


@pytest.fixture
def waiting(kafka_bq: Command, world: World, job: str) -> str:
    """A job with four dead letters: tombstones that the policy of today takes for rows, and what is no JSON."""
    world.fill(1)
    for value in (None, None, None, b"{"):
        world.send(value, key="k")
    options = ("--set", "on_tombstone=dead_letter", "--set", "max_bad_ratio=null")
    assert kafka_bq("run", job, *options).code == 0
    return job


def test_the_report_is_that_of_a_run(kafka_bq: Command, world: World, waiting: str) -> None:
    done = kafka_bq("redrive", waiting, "--json")
    report = done.json()
    assert done.code == 0
    assert set(report) >= REPORT
    assert (report["outcome"], report["messages"], report["committed"], report["partitions"]) == ("end", 4, None, {})
    assert (report["rows"]["inserted"], report["rows"]["dead_lettered"]) == (3, 1)
    assert sum(world.offsets().values()) == 4
    assert kafka_bq("redrive", waiting, "--json").json()["messages"] == 1, "what failed again"


def test_people_see_counts_and_outcome(kafka_bq: Command, waiting: str) -> None:
    done = kafka_bq("redrive", waiting, "--limit", "2")
    assert "2 messages in 1 batch: 2 inserted" in done.out
    assert "outcome: limit; " in done.out
    assert "partition" not in done.out


def test_a_dry_run_tells_what_would_be(kafka_bq: Command, world: World, waiting: str) -> None:
    done = kafka_bq("redrive", waiting, "--dry-run")
    lines = [line.split() for line in done.out.splitlines()]
    assert done.code == 0
    assert ["tombstone", "tombstone", "3"] in lines
    assert ["decode", "invalid_json", "1"] in lines
    assert "would redrive 4 messages: 3 rows, 1 would fail again, 0 ignored" in done.out
    assert "would fail again: 1 at decode (invalid_json); partition 0, offset 4: " in done.out
    assert [row["redriven_at"] for row in world.letters()] == [None] * 4
    document = kafka_bq("redrive", waiting, "--dry-run", "--json", "--stage", "tombstone").json()
    assert (document["dry_run"], document["messages"]) == (True, 3)
    assert kafka_bq("redrive", waiting, "--dry-run", "--reason", "none such").out.endswith(
        "no dead letter would be redriven\n"
    )


def test_options_choose(kafka_bq: Command, waiting: str) -> None:
    chosen = ("--stage", "decode", "--stage", "load", "--reason", "invalid_json", "--since", "2026-01-01")
    assert kafka_bq("redrive", waiting, "--json", *chosen).json()["messages"] == 1
    assert kafka_bq("redrive", waiting, "--json", "--until", "2026-01-01").json()["messages"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--since", "yesterday"), "--since: must be an ISO time"),
        (("--limit", "0"), "--limit: must be greater than or equal to 1"),
        (("--limit", "many"), "--limit: must be a whole number"),
        (("--stage", "decoding"), "--stage: must be one of decode, "),
        (("--stage", "lost"), "there is no message to redrive"),
        (("--since", "2026-01-02", "--until", "2026-01-01"), "does not lie before --until"),
        (("--set", "window={from: 2026-01-01, to: 2026-01-02}"), "the job reads a window"),
    ],
)
def test_a_wrong_option_is_named(kafka_bq: Command, job: str, options: tuple[str, ...], said: str) -> None:
    done = kafka_bq("redrive", job, "--json", *options)
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
    assert said in done.failure()["message"]


def test_a_job_without_a_ledger_is_refused(kafka_bq: Command, job: str) -> None:
    done = kafka_bq("redrive", job, "--json", "--set", "fence=none")
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
