"""``doctor``: several jobs, the worst first, and how it ends."""

from __future__ import annotations

from pathlib import Path

from tests.cli.commands import CANARY, Command, write_job
from tests.pipeline.world import World


def test_a_healthy_job_ends_with_0(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(1)
    done = kafka_bq("doctor", job, "--every", "1h")
    assert done.code == 0, done.out
    assert done.out.endswith("healthy\n")
    assert "not checked: READ on the group" in done.out


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


def test_a_wrong_span_is_named(kafka_bq: Command, job: str) -> None:
    done = kafka_bq("doctor", job, "--json", "--every", "often")
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
