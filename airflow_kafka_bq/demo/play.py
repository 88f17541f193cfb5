"""The demo as a whole: start everything, tell the story, check it, take everything down."""

from __future__ import annotations

import json
import logging
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_kafka_bq.demo.interruption import Interrupted, interruptible

if TYPE_CHECKING:
    from airflow_kafka_bq.demo.orders import Wave
    from airflow_kafka_bq.demo.shown import Screen
    from airflow_kafka_bq.demo.site import Site
    from airflow_kafka_bq.demo.story import Step

DONE, DIFFERS, FAILED = 0, 1, 70
_NEXT = """\
What to try next:
  make demo-ui                   Airflow's web page with this DAG to click on
  DEMO_KAFKA=real make demo      the same on Apache Kafka
  .venv/bin/kafka-bq demo        the same from a job file, without Airflow
  make kafka                     a Kafka for a job of your own, see README.md
  make bigquery                  and a BigQuery, each in a terminal of its own"""


@dataclass(frozen=True, slots=True)
class Options:
    """How to play.

    :param kafka: ``embedded`` or ``real``.
    :param airflow: run the job as a DAG's task instead of from a job file.
    :param messages: in the topic before the first run; a tenth of that arrives later.
    :param ui: leave Airflow's web page up instead of telling the story.
    :param verbose: show what the package logs.
    :param as_json: the result as one JSON document on stdout, everything else on stderr.
    """

    kafka: str = "embedded"
    airflow: bool = False
    messages: int = 20_000
    as_json: bool = False
    ui: bool = False
    verbose: bool = False


def play(options: Options) -> int:
    """Exit code: 0 when every figure of the story came out, 1 when one did not.

    :raises ConfigError: what the demo needs is not there.
    """
    from airflow_kafka_bq.demo.runs import RunFailed
    from airflow_kafka_bq.demo.shown import Screen

    screen = Screen(options.as_json)
    if not options.verbose:  # the runs have logs of their own, and this process only looks
        logging.getLogger("airflow_kafka_bq").setLevel(logging.WARNING)
    try:
        with interruptible() as signals:
            from airflow_kafka_bq.demo.site import opened, scratch

            with scratch(signals) as folder, opened(options.kafka, folder, signals, screen.tell) as site:
                return _left_up(screen, site, options) if options.ui else _told(options, screen, site)
    except Interrupted as stopped:
        screen.say(f"\nstopped by {stopped}; everything that was started is taken down")
        return 128 + stopped.number
    except RunFailed as error:
        screen.say(f"\nThe story did not come to its end. {error}")
        return FAILED


def _left_up(screen: Screen, site: Site, options: Options) -> int:
    from airflow_kafka_bq.demo.orders import wave
    from airflow_kafka_bq.demo.ui import serve

    first = wave(options.messages)
    site.produce(first)
    screen.show_topic(first)
    serve(site, screen.tell)
    return DONE


def _told(options: Options, screen: Screen, site: Site) -> int:
    from airflow_kafka_bq.demo import shown, story
    from airflow_kafka_bq.demo.orders import wave
    from airflow_kafka_bq.demo.runs import AirflowRuns, JobFileRuns

    began = time.monotonic()
    if options.airflow:
        screen.tell("Airflow: a home and a database of its own; it starts beside the rest")
    runs = AirflowRuns(site) if options.airflow else JobFileRuns(site)
    first = wave(options.messages)
    later = wave(options.messages // 10, first_order=first.orders)
    site.produce(first)
    screen.show_topic(first)
    sections: list[tuple[str, list[Step]]] = [("Written by hand", []), (runs.how, [])]
    titles = ("A consumer written by hand: poll, insert, commit", f"The same topic with {runs.how}")
    acts = (story.by_hand(site, first), story.with_us(site, runs, first, later))
    for title, (_, steps), told in zip(titles, sections, acts, strict=True):
        screen.tell(f"[bold]{title}[/]")
        for step in told:
            site.signals.check()
            steps.append(step)
            screen.tell(f"  {step.name}: {step.found.rows:,} rows, {step.found.duplicates:,} duplicates")
    screen.show_table(sections)
    if options.as_json:
        sys.stdout.write(json.dumps(shown.document(sections, time.monotonic() - began), indent=2) + "\n")
    return judged(screen, sections, first)


def judged(screen: Screen, sections: list[tuple[str, list[Step]]], first: Wave) -> int:
    """Say what the figures are worth; exit code."""
    wrong = [f"{step.name}: {one}" for _, steps in sections for step in steps for one in step.wrong]
    if wrong:
        screen.say("\n[bold red]These figures are not what they should be:[/]")
        for one in wrong:
            screen.say(f"  {one}")
        return DIFFERS
    screen.show_end(sections[0][1], sections[1][1], first.bad, first.tombstones)
    screen.say("\n[bold green]Every figure is what it should be.[/]\n")
    screen.say(_NEXT)
    return DONE
