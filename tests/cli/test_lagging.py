"""``lag`` for machines and for people, also of several jobs and before the first run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from airflow_kafka_bq.exceptions import KafkaUnavailableError
from tests.cli.commands import Command, write_job
from tests.pipeline.world import World

DAY_SECONDS = 86_400
LAG = {"topic", "table", "group_id", "pipeline", "revision", "lag", "oldest_unread_seconds", "messages_per_second",
       "partitions", "unchecked", "findings"}  # fmt: skip
LAG_PARTITION = {
    "position", "committed", "log_start", "end", "high_watermark", "lag", "oldest_unread",
    "oldest_unread_seconds", "retention_takes_it_in_seconds", "open_transaction_seconds", "messages_per_second",
}  # fmt: skip


def ago_ms(seconds: float) -> int:
    return int((time.time() - seconds) * 1000)


def test_lag_is_a_list_of_documents(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(3, 0)
    world.run()
    world.send({"n": 1}, 0, timestamp_ms=ago_ms(DAY_SECONDS))
    done = kafka_bq("lag", job, "--json")
    (found,) = done.json()
    assert (done.code, set(found), found["lag"], found["revision"]) == (0, LAG, 1, 1)
    assert all(set(part) == LAG_PARTITION for part in found["partitions"].values())
    assert found["partitions"]["1"]["lag"] == 0


def test_lag_for_people_shows_when_retention_takes_the_oldest(kafka_bq: Command, world: World, job: str) -> None:
    """Of all partitions the one that loses first."""
    world.run()
    world.send({"n": 1}, 0, timestamp_ms=ago_ms(DAY_SECONDS + 90))
    world.send({"n": 1}, 1, timestamp_ms=ago_ms(6 * DAY_SECONDS + 90))
    out = kafka_bq("lag", job).out
    rows = [line.split() for line in out.splitlines()]
    assert ["0", "0", "1", "1", "1", "d", "0", "h", "ago", "5", "d", "23", "h"] in rows
    assert ["1", "0", "1", "1", "6", "d", "0", "h", "ago", "23", "h", "58", "m"] in rows
    assert "retention takes the oldest unread message of partition 1 in 23 h 58 m\n" in out


def test_lag_says_when_it_is_too_late(kafka_bq: Command, world: World, job: str) -> None:
    world.run()
    world.send({"n": 1}, 1, timestamp_ms=ago_ms(8 * DAY_SECONDS))
    assert "retention takes the oldest unread message of partition 1 any moment now\n" in kafka_bq("lag", job).out
    world.cluster.delete_records("shop.orders", 1, 1)
    world.fill(1, 1)
    assert "lost: partition 1, offsets 0 to 0\n" in kafka_bq("lag", job).out


def test_lag_before_the_first_run(kafka_bq: Command, world: World, job: str) -> None:
    """No ledger, no table: the next run begins at the start of the log, and that message is the oldest."""
    world.send({"n": 1}, 0, timestamp_ms=ago_ms(DAY_SECONDS + 90))
    done = kafka_bq("lag", job)
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()]
    assert ["0", "-", "1", "1", "1", "d", "0", "h", "ago", "5", "d", "23", "h"] in rows
    assert "no position yet: lag counts from the start of the log\n" in done.out


def test_a_commit_that_differs_has_a_column(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(3)
    world.run()
    assert "committed" not in kafka_bq("lag", job).out
    world.commit({0: 1})
    rows = [line.split() for line in kafka_bq("lag", job).out.splitlines()]
    assert ["0", "3", "1", "3", "0", "-", "-"] in rows


def test_several_jobs_are_shown_together(kafka_bq: Command, world: World, job: str, tmp_path: Path) -> None:
    world.fill(3)
    other = str(write_job(tmp_path, "other.yaml", table="demo.analytics.other"))
    done = kafka_bq("lag", job, other)
    assert done.code == 0
    assert [line for line in done.out.splitlines() if "→" in line] == [
        "shop.orders → demo.analytics.orders",
        "shop.orders → demo.analytics.other",
    ]
    assert [one["table"] for one in kafka_bq("lag", job, other, "--json").json()] == [
        "demo.analytics.orders",
        "demo.analytics.other",
    ]


def test_the_trouble_of_one_job_does_not_hide_the_others(
    kafka_bq: Command, world: World, job: str, tmp_path: Path
) -> None:
    world.fill(3)
    missing = str(write_job(tmp_path, "missing.yaml", topic="not.there"))
    done = kafka_bq("lag", missing, job)
    assert done.code == 3
    assert "NotFoundError: topic 'not.there' does not exist" in done.err
    assert "lag: 3 messages" in done.out
    world.cluster.fail_next("bounds", KafkaUnavailableError("later"))
    mixed = kafka_bq("lag", job, missing, job, "--json", "--max-lag", "1")
    assert mixed.code == 3  # one is transient, but a person has to look first
    first, second, third = (one.get("error") for one in mixed.json())  # in the order of the files, looked at together
    assert (second, {first, third}) == ("NotFoundError", {"KafkaUnavailableError", None})
    world.cluster.fail_next("bounds", KafkaUnavailableError("later"))
    assert kafka_bq("lag", job, job).code == 4


def test_a_wrong_file_is_found_before_anybody_is_asked(kafka_bq: Command, world: World, job: str) -> None:
    world.cluster.fail_next("bounds", KafkaUnavailableError("asked"))
    done = kafka_bq("lag", job, "no-such-job.yaml", "--json")
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")


@pytest.mark.usefixtures("world")
def test_a_missing_dataset_is_named(kafka_bq: Command, tmp_path: Path) -> None:
    job = str(write_job(tmp_path, table="demo.nowhere.orders"))
    for command in ("lag", "plan"):
        done = kafka_bq(command, job, "--json")
        assert (done.code, done.failure()["error"]) == (3, "NotFoundError")
        assert "nowhere" in done.failure()["message"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--max-lag", "3", "--max-age", "2d"), []),
        (("--max-lag", "2"), ["3 messages are unread, allowed are 2"]),
        (("--max-age", "23h"), ["the oldest unread message is 86,4"]),
        (("--max-lag", "1", "--max-age", "15m"), ["3 messages", "the oldest unread"]),
    ],
)
def test_what_is_above_a_limit_ends_with_1(
    kafka_bq: Command, world: World, job: str, options: tuple[str, ...], found: list[str]
) -> None:
    for _ in range(3):
        world.send({"n": 1}, 0, timestamp_ms=ago_ms(DAY_SECONDS + 10))
    done = kafka_bq("lag", job, *options, "--json")
    (document,) = done.json()
    assert done.code == (1 if found else 0)
    assert len(document["findings"]) == len(found)
    assert all(line.startswith(begin) for line, begin in zip(document["findings"], found, strict=True))
    people = kafka_bq("lag", job, *options)
    assert (people.code, people.out.count("found: ")) == (done.code, len(found))


def test_an_open_transaction_that_is_too_old_is_found(kafka_bq: Command, world: World, job: str) -> None:
    """What it holds back is no lag, so that no other limit would tell."""
    world.cluster.transaction().produce("shop.orders", b"{}", partition=1, timestamp_ms=ago_ms(3600))
    done = kafka_bq("lag", job, "--max-age", "30m")
    assert done.code == 1
    assert "found: partition 1: an open transaction has held messages back for 3,6" in done.out
    assert kafka_bq("lag", job, "--max-age", "2h").code == 0


@pytest.mark.parametrize("wrong", [("--max-lag", "0"), ("--max-lag", "many"), ("--max-age", "4"), ("--max-age", "0h")])
@pytest.mark.usefixtures("world")
def test_a_limit_that_is_none_is_refused(kafka_bq: Command, job: str, wrong: tuple[str, str]) -> None:
    done = kafka_bq("lag", job, *wrong, "--json")
    assert (done.code, done.failure()["error"]) == (2, "ConfigError")
    assert wrong[0] in done.failure()["message"]
