"""The story, step by step: each measured, each with the figures that have to come out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from airflow_kafka_bq.demo import measure, plain
from airflow_kafka_bq.demo.measure import Figures
from airflow_kafka_bq.demo.orders import TOPIC, Wave
from airflow_kafka_bq.demo.runs import Run, RunFailed, Runs, unread
from airflow_kafka_bq.demo.site import BY_HAND, Site

NEW_GROUP = f"team-a.{TOPIC}"
_APPLIED_WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """What was done, what is there, and what should be."""

    name: str
    found: Figures
    wanted: Figures

    @property
    def wrong(self) -> list[str]:
        """Figures that are not as they should be."""
        return self.found.differences(self.wanted)


def by_hand(site: Site, wave: Wave) -> Iterator[Step]:
    """A consumer group for several topics, then one for this topic: the move that fills tables twice."""
    size, valid = len(wave.messages), wave.orders + wave.duplicates
    for times, name, group in ((1, "first run", "loader"), (2, "new consumer group", NEW_GROUP)):
        read = plain.load(site.bootstrap, f"by-hand.{group}", TOPIC, site.client, BY_HAND)
        wanted = Figures(size, times * valid, wave.orders, times * valid - wave.orders)
        yield Step(name, measure.by_hand(site.client, read), wanted)


def with_us(site: Site, runs: Runs, first: Wave, later: Wave) -> Iterator[Step]:
    """First run, another group, a run that is killed over messages that arrived meanwhile, a rerun, a replay."""
    table = _table(first)
    yield _ended(site, "first run", runs.begin(), replace(table, read=len(first.messages)))
    yield _ended(site, "new consumer group", runs.begin(NEW_GROUP), table, NEW_GROUP)
    site.produce(later)
    table = _table(first, later)
    _kill_behind_the_merge(site, runs)
    found = measure.ours(site.client, None, unread(site, NEW_GROUP))
    yield Step("killed after MERGE", found, replace(table, read=None, unread=len(later.messages)))
    yield _ended(site, "run again", runs.begin(NEW_GROUP), table, NEW_GROUP)
    wanted = replace(table, read=len(first.messages) + len(later.messages))
    yield _ended(site, "replay of everything", runs.begin(NEW_GROUP, site.everything()), wanted, NEW_GROUP)


def _ended(site: Site, name: str, run: Run, wanted: Figures, group: str | None = None) -> Step:
    read = int(run.report()["messages"])
    return Step(name, measure.ours(site.client, read, unread(site, group)), wanted)


def _kill_behind_the_merge(site: Site, runs: Runs) -> None:
    """SIGKILL at the worst moment: the transaction is durable, its answer has not arrived, Kafka knows nothing."""
    before = measure.batches(site.client)
    site.local.faults.add("never_answer", call="jobs.insert", job_id="kafka-bq-merge-", times=0)
    run = runs.begin(NEW_GROUP)
    deadline = time.monotonic() + _APPLIED_WITHIN_SECONDS
    while measure.batches(site.client) == before:
        if not run.alive():
            run.report()
        if time.monotonic() > deadline:
            raise RunFailed("the run that was to be killed applied nothing")
        time.sleep(0.05)
    run.kill()
    site.local.faults.clear()


def _table(*waves: Wave) -> Figures:
    """Of a table that has these waves in it, and of a run that finds nothing more to read."""
    orders = sum(each.orders for each in waves)
    return Figures(0, orders, orders, 0, sum(each.tombstones for each in waves), sum(each.bad for each in waves), 0)
