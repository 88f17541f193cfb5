"""What docs/scaling.md is made of: the constants, the bill, the jobs of a day, and the picture beside the page."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from airflow_kafka_bq.config import JobConfig
from benchmarks import scaling
from benchmarks.arrivals import DAY, curve
from benchmarks.lag_picture import picture
from benchmarks.result import read
from benchmarks.scaling import CONSTANTS, EXAMPLES, KAFKA_BYTES, KEY_BYTES, Example, bill, jobs
from benchmarks.simulate import Played, Run, Setup, play
from tools.reference.scaling import parts

ROOT = Path(__file__).parents[2]
GOLDEN = (ROOT / "tests" / "golden" / "coordinates_json.sql").read_text("utf-8")
_MB = 10**6
QUERIES = CONSTANTS.jobs["run"]["query"] + CONSTANTS.jobs["batch"]["query"]


def one_merge(messages: int, *, from_partition: int = 0) -> Played:
    """A second day of one MERGE, in a partition that has so many rows already."""
    setup = Setup(DAY, 1, 10**9, 1e6, 0, 0, 1)
    landings = ((float(DAY), DAY * 1_000 + from_partition), (DAY + 100.0, DAY * 1_000 + from_partition + messages))
    run = Run(DAY + 50.0, DAY + 100.0, messages, 1, landings)
    return Played(curve("flat", DAY * 1_000), setup, 2, (run,))


def test_the_picture_is_the_one_beside_the_page() -> None:
    drawn = picture({f"{one.name} messages a day": one.played() for one in EXAMPLES})
    assert drawn == scaling.PICTURE.read_text("utf-8"), "run: make docs"
    assert re.search(r"!\[[^]]+\]\(scaling\.svg\)", (ROOT / "docs" / "scaling.md").read_text("utf-8"))


def test_constants_are_those_of_the_result_files() -> None:
    result = read()
    rates = sorted(run["messages"] / run["steady_seconds"] for run in result["runs"] if run["case"] == "engine, model")
    assert rates[0] <= CONSTANTS.rows_per_second <= rates[-1]
    assert CONSTANTS.rows_per_second < CONSTANTS.bare_rows_per_second
    assert 0 < CONSTANTS.start_seconds(1) < CONSTANTS.start_seconds(2) == CONSTANTS.start_seconds(8)


def test_a_batch_ends_by_number_or_by_bytes() -> None:
    assert CONSTANTS.batch_messages() == int(64 * 2**20 / CONSTANTS.message_bytes)
    assert CONSTANTS.batch_messages(batch_messages=1_000) == 1_000


def test_tables_of_a_transaction_are_counted_in_its_sql() -> None:
    """Each statement bills each of its tables; INSERT … VALUES reads none."""
    statements = [one for one in GOLDEN.split(";\n") if not one.startswith(("BEGIN", "COMMIT", "INSERT"))]
    named = [len(set(re.findall(r"`demo`\.`analytics`\.`\w+`", one))) for one in statements if one.strip()]
    assert named == [1, 2, 2]
    assert sum(named) == scaling.TABLES_OF_A_TRANSACTION


def test_the_bill_of_a_small_merge_is_the_least_that_bigquery_bills() -> None:
    found = bill(EXAMPLES[0], one_merge(100))
    assert QUERIES > 0
    assert found.least == found.most == (5 + QUERIES) * 10 * _MB


def test_the_bill_of_a_large_merge_is_its_rows_and_the_keys_beside_them() -> None:
    rows, there = 10**6, 9 * 10**6
    found = bill(EXAMPLES[0], one_merge(rows, from_partition=there))
    staged, target = rows * (CONSTANTS.message_bytes + KAFKA_BYTES), there * KEY_BYTES
    assert found.least == pytest.approx((4 + QUERIES) * 10 * _MB + staged)
    assert found.most == pytest.approx((3 + QUERIES) * 10 * _MB + staged + target)
    assert found.largest == pytest.approx(staged + target)


def test_partitions_of_an_hour_bound_what_a_merge_reads() -> None:
    by_day = Example("x", 10**8, 900, {})
    by_hour = Example("x", 10**8, 900, {}, partition_seconds=3_600)
    day, hour = bill(by_day, by_day.played()), bill(by_hour, by_hour.played())
    assert hour.largest < day.largest / 3
    assert hour.least == day.least
    assert hour.most < day.most


def test_jobs_are_those_of_runs_slices_and_batches() -> None:
    per = CONSTANTS.jobs
    played = EXAMPLES[1].played()
    figures = played.figures()
    assert jobs(played)["load"] == figures["batches"]
    assert jobs(played)["script"] == figures["merges"]
    assert jobs(played)["query"] == per["run"]["query"] * figures["runs"] + per["batch"]["query"] * figures["batches"]
    sliced = play(played.arrivals, Setup(900, 3, 10**6, 1e5, 20, 5, 15))
    runs = sliced.figures()["runs"]
    assert jobs(sliced)["load"] == sliced.figures()["batches"] + 3 * runs, "each slice writes its note"
    assert jobs(sliced)["script"] == sliced.figures()["merges"] == runs


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.name)
def test_examples_keep_up_with_as_few_workers_as_they_can(one: Example) -> None:
    slices, busiest = one.slices(), math.ceil(curve("shop", one.messages).peak() * one.every)
    assert list(one.setup(slices).landings(busiest))[-1][0] <= scaling.BUSIEST * one.every
    if slices > 1:
        assert list(one.setup(slices - 1).landings(busiest))[-1][0] > scaling.BUSIEST * one.every
    assert one.played().figures()["keeps_up"]
    partition = {"partition_by": "_kafka_timestamp:hour"} if one.partition_seconds < DAY else {}
    JobConfig.of(topic="t", table="d.t", **one.settings, **partition)  # it would raise


def test_an_example_that_no_number_of_workers_can_read_is_refused() -> None:
    with pytest.raises(ValueError, match="64 slices are too few"):
        Example("too many", 10**13, 900, {}).slices()


def test_the_page_says_what_is_assumed() -> None:
    found = parts()
    assert found["constants"].count("**assumed**") == 2
    assert f"| {EXAMPLES[-1].slices()} slices |" in found["examples"]
    assert f"slices={EXAMPLES[-1].slices()}," in found["dag"]
