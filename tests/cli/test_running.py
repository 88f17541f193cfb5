"""``run`` and ``replay``: the report for machines and for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import KafkaUnavailableError
from tests.cli.commands import REPORT, Command, write_job
from tests.pipeline.world import World

ROWS = {"inserted", "updated", "deleted", "unchanged", "dead_lettered", "ignored"}
PARTITION = {"start", "end", "high_watermark", "committed", "lag_before", "lag_after"}
STATIONS = {"plan", "consume", "decode", "stage", "merge", "commit", "total"}


def test_the_report_is_the_contracts(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(5, 0)
    world.fill(2, 1)
    done = kafka_bq("run", job, "--json", "--set", "batch_messages=4")
    report: dict[str, Any] = done.json()
    assert set(report) >= REPORT
    assert set(report["rows"]) == ROWS
    assert set(report["seconds"]) == STATIONS
    assert all(set(part) == PARTITION for part in report["partitions"].values())
    assert report["partitions"]["0"] == {
        "start": 0, "end": 5, "high_watermark": 5, "committed": 5, "lag_before": 5, "lag_after": 0,
    }  # fmt: skip
    told = {name: report[name] for name in ("topic", "table", "outcome", "messages", "batches", "committed", "gaps")}
    assert told == {
        "topic": "shop.orders", "table": "demo.analytics.orders", "outcome": "end", "messages": 7, "batches": 2,
        "committed": True, "gaps": [],
    }  # fmt: skip
    assert report["group_id"] == "kafka-bq.shop.orders.demo.analytics.orders"
    assert report["revision"] == world.ledger().revision == 2
    assert report["rows"]["inserted"] == sum(world.offsets().values()) == 7
    assert len(report["jobs"]) == 4


def test_people_see_partitions_counts_and_outcome(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(1500, 0)
    world.send(b"{", 1)
    done = kafka_bq("run", job, "--set", "max_bad_ratio=null")
    lines = [line.split() for line in done.out.splitlines()]
    assert done.out.startswith("shop.orders → demo.analytics.orders\n")
    assert ["0", "0", "1500", "1500", "0", "1500"] in lines
    assert ["1", "0", "1", "1", "0", "1"] in lines
    assert "1,501 messages in 1 batch: 1,500 inserted, 1 dead lettered" in done.out
    assert "outcome: end; " in done.out


@pytest.mark.usefixtures("world")
def test_a_run_with_nothing_to_read_says_so(kafka_bq: Command, job: str) -> None:
    done = kafka_bq("run", job)
    assert "0 messages in 0 batches: nothing to do" in done.out


def test_what_was_lost_is_listed(kafka_bq: Command, world: World, job: str) -> None:
    world.run()
    world.fill(6)
    world.cluster.delete_records("shop.orders", 0, 4)
    assert kafka_bq("run", job).code == 3
    done = kafka_bq("run", job, "--set", "on_gap=record")
    assert (done.code, "lost: partition 0, offsets 0 to 3" in done.out) == (0, True)


def test_a_commit_without_an_answer_is_a_warning(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(2)
    world.cluster.fail_next("commit", KafkaUnavailableError("no answer"), times=2)
    done = kafka_bq("run", job)
    assert done.code == 0
    assert "the rows are safe, the next run repairs the group" in done.out
    world.cluster.fail_next("commit", KafkaUnavailableError("no answer"))
    assert kafka_bq("run", job, "--json").json()["committed"] is False


def test_what_a_cluster_cannot_tell_is_listed(
    kafka_bq: Command, world: World, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.cluster, "tells_identities", False)
    assert "not checked, because the cluster cannot tell: topic_id, group_members" in kafka_bq("run", job).out
    assert kafka_bq("run", job, "--json").json()["unchecked"] == ["topic_id", "group_members"]


def test_a_limit_is_no_failure(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(5)
    done = kafka_bq("run", job, "--set", "max_messages=2")
    assert done.code == 0
    assert "outcome: limit" in done.out
    assert "  5  " not in done.out.splitlines()[0]


@pytest.mark.parametrize(
    ("options", "messages"),
    [
        (("--from", "{0: 1, 1: 0}", "--to", "{0: 3, 1: 2}"), 4),
        (("--from", "{0: 1, 1: 0}", "--to", "{0: 3, 1: 2}", "--partitions", "1"), 2),
        (("--from", "2026-01-01", "--to", "2027-01-01"), 8),
        (("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00+02:00", "--partitions", "0"), 5),
        (("--from", "0:1,1:0", "--to", "0:3,1:2"), 4),
        (("--from", "2026-01-01", "--to", "2026-01-01"), 0),
    ],
)
def test_a_replay_reads_the_window_and_moves_nothing(
    kafka_bq: Command, world: World, job: str, options: tuple[str, ...], messages: int
) -> None:
    world.fill(5, 0)
    world.fill(3, 1)
    world.run()
    before = (world.table(), world.positions(), world.committed())
    done = kafka_bq("replay", job, "--json", *options)
    report = done.json()
    assert (done.code, report["outcome"], report["messages"]) == (0, "window", messages)
    assert report["rows"]["unchanged"] == messages
    assert report["committed"] is None
    assert (world.table(), world.positions(), world.committed()) == before


def test_a_replay_brings_back_what_somebody_deleted(kafka_bq: Command, world: World, job: str) -> None:
    world.fill(5)
    world.run()
    target = world.target(world.config()).table
    world.database.delete(target, lambda row: row["_kafka_offset"] in {2, 3})
    options = ("replay", job, "--from", "{0: 0}", "--to", "{0: 9}")
    told = kafka_bq(*options, "--dry-run", "--json").json()
    assert (told["kind"], told["lag"], told["partitions"]["0"]["end"]) == ("window", 5, 5)
    assert told["estimated_bytes"] > 0
    assert "lag: 5 messages" in kafka_bq(*options, "--dry-run").out
    assert len(world.rows()) == 3, "a dry run changes nothing"
    done = kafka_bq(*options)
    assert (done.code, "2 inserted, 3 unchanged" in done.out) == (0, True)
    assert "2 rows of the window were missing before\n" in done.out
    assert kafka_bq(*options, "--json").json()["missing_before"] == 0
    assert "missing_before" not in kafka_bq("run", job, "--json").json()


def test_a_file_keeps_lines_whole_and_has_no_colours(
    kafka_bq: Command, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is piped is searched and compared: no padding to 80 columns, no escape codes."""
    monkeypatch.setenv("COLUMNS", "40")
    world.fill(2)
    done = kafka_bq("run", str(write_job(tmp_path, group_id="g" * 90)))
    assert f"group {'g' * 90}\n" in done.out
    assert "\x1b" not in done.out + done.err
    (header,) = [line for line in done.out.splitlines() if line.lstrip().startswith("partition")]
    assert header.split() == ["partition", "start", "end", "lag", "before", "lag", "after", "committed"]
