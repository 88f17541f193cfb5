"""How many requests a batch costs: the time of a small batch is the sum of its round trips."""

from __future__ import annotations

from collections import Counter

from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from tests.contract.warehouse_world import LocalWorld
from tests.contract.workbench import Workbench, dead_letter, row, tombstone, update_target

POLLS = {"jobs.get"}
MOST = 8


def test_a_batch_costs_few_requests(bigquery: LocalBigQuery, world: LocalWorld) -> None:
    bench = Workbench(world, update_target(world))
    bench.apply(row("a", 0))
    bigquery.faults.forget_calls()
    staged = bench.stage(row("a", 1), row("b", 2))
    spec = bench.spec(staged, 1)
    assert bench.warehouse.estimate(spec) > 0
    done = bench.merge(spec)
    assert (done.failure, done.inserted, done.updated) == (None, 1, 1)
    assert bench.revision() == 2
    bench.warehouse.drop(TableId.parse(staged.rows_tables[0].table))
    calls: Counter[str] = Counter(one["call"] for one in bigquery.faults.calls())
    assert sum(count for call, count in calls.items() if call not in POLLS) <= MOST, calls
    assert calls["jobs.list"] == 1


def test_all_counts_come_with_one_list(bigquery: LocalBigQuery, world: LocalWorld) -> None:
    bench = Workbench(world, update_target(world))
    bench.apply(row("a", 0), row("b", 1))
    staged = bench.stage(row("a", 2), row("c", 3), tombstone("b", 4), dead=(dead_letter(5),))
    bigquery.faults.forget_calls()
    done = bench.merge(bench.spec(staged, 1))
    assert (done.inserted, done.updated, done.deleted) == (1, 1, 1)
    assert len(bigquery.faults.calls("jobs.list")) == 1
    assert len(bigquery.faults.calls("jobs.insert")) == 1
