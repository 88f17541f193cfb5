"""``doctor``: several jobs, the worst first, and how it ends."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.cli.commands import CANARY, Command, write_job
from tests.pipeline.world import TOPIC, World


def send_now(world: World) -> None:
    """A message of the time that commands have: the world's own clock stands in the past."""
    world.send({"n": 1}, timestamp_ms=int(time.time() * 1000))


def test_a_healthy_job_ends_with_0(kafka_bq: Command, world: World, job: str) -> None:
    send_now(world)
    done = kafka_bq("doctor", job, "--every", "1h")
    assert done.code == 0, done.out
    assert done.out.endswith("healthy\n")
    assert "not checked: DAGs: name their folder with --dags" in done.out
    assert f"  topic {TOPIC}: DESCRIBE, READ, DESCRIBE_CONFIGS allowed\n" in done.out


def test_shared_groups_and_broken_jobs_end_with_1(kafka_bq: Command, world: World, tmp_path: Path, job: str) -> None:
    one = str(write_job(tmp_path, "one.yaml", group_id="shared", isolation_level="read_uncommitted"))
    two = str(write_job(tmp_path, "two.yaml", group_id="shared", topic="other"))
    broken = str(write_job(tmp_path, "broken.yaml", batch_messages=0))
    world.fill(1)
    done = kafka_bq("doctor", one, two, broken, job, "--json")
    document = done.json()
    assert (done.code, document["healthy"]) == (1, False)
    found = {(one["severity"], one["what"]) for one in document["findings"]}
    assert ("error", "group shared is used for the topics shop.orders and other") in found
    assert ("warning", "isolation_level is read_uncommitted") in found
    assert any(what.startswith("ConfigError: ") and "batch_messages" in what for _, what in found)
    assert document["findings"][0]["severity"] == "error"
    people = kafka_bq("doctor", one, two)
    assert "error: group shared is used for the topics" in people.out
    assert "  remedy: leave group_id out" in people.out
    assert people.out.endswith("not healthy\n")
    assert CANARY not in people.out + people.err + done.out


@pytest.mark.parametrize("every", ["often", "often s", "0s", "0h"])
def test_a_wrong_span_is_named(kafka_bq: Command, job: str, every: str) -> None:
    done = kafka_bq("doctor", job, "--json", "--every", every)
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
    assert f"--every: '{every}' is no time" in done.failure()["message"]


def test_a_round_needs_something_to_look_at(kafka_bq: Command) -> None:
    done = kafka_bq("doctor", "--json")
    assert (done.code, done.failure()["message"]) == (2, "nothing to look at")


def test_what_is_missing_is_told_with_the_rule_that_allows_it(kafka_bq: Command, world: World, job: str) -> None:
    world.cluster.forbidden |= {(TOPIC, "READ"), (TOPIC, "DESCRIBE_CONFIGS")}
    done = kafka_bq("doctor", job)
    assert done.code == 1
    assert f"error: the login lacks READ on topic {TOPIC}\n" in done.out
    assert f"--operation Read --topic {TOPIC}\n" in done.out
    assert f"  topic {TOPIC}: READ, DESCRIBE_CONFIGS missing; DESCRIBE allowed\n" in done.out
    states = {(one["right"], one["state"]) for one in kafka_bq("doctor", job, "--json").json()["access"]}
    assert ("READ", "missing") in states


@pytest.mark.parametrize(("schedule", "late"), [("1d", False), ("3d", True), ("@weekly", True), (None, False)])
def test_the_schedule_of_a_job_file_stands_in_for_every(
    kafka_bq: Command, world: World, tmp_path: Path, schedule: str | None, late: bool
) -> None:
    world.fill(1)
    path = str(write_job(tmp_path, **({} if schedule is None else {"schedule": schedule})))
    done = kafka_bq("doctor", path)
    assert ("the topic keeps messages for 7 days" in done.out) == late
    assert ("retention against the schedule" in done.out) == (schedule is None)
    assert "retention against the schedule" not in kafka_bq("doctor", path, "--every", "90s").out
