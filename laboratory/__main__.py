"""``make story``: play both halves; write ``result.json``, ``docs/story.md``, its pictures, a part of ``README.md``."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import KafkaBroker, create_topic
from airflow_kafka_bq.testing.kafka.transactions import warm_up
from benchmarks import machine
from laboratory import document
from laboratory.migration import KINDS, Amounts, migrated
from laboratory.play import play
from laboratory.setups import SETUPS, Setup, Sizes

# The fixture's broker does not wait for members; a broker as it comes does.
_DEFAULTS = {"group.initial.rebalance.delay.ms": 3000}
_DEPTH = 4  # of what has a line of its own in the result file
_TINY = Sizes(topics=2, partitions=2, seconds=8.0, period=4.0, lead=1.0, stage=0.2, merge=0.2)
_FEW = Amounts(topics=1, committed=80, uncommitted=20, waiting=10)


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, play, write."""
    options = _options(arguments)
    began = time.monotonic()
    wanted = [setup for setup in SETUPS if not options.only or setup.name in options.only]
    sizes, amounts = (_TINY, _FEW) if options.tiny else (Sizes(), Amounts())
    with TemporaryDirectory(prefix="kafka-bq-story-") as folder:
        runs = first_half(wanted, sizes, Path(folder))
        ways = second_half(amounts, Path(folder))
    result = {
        "sizes": asdict(sizes),
        "amounts": asdict(amounts),
        "kinds": KINDS,
        "versions": {"confluent-kafka": version("confluent-kafka"), **machine.versions()},
        "machine": machine.description(),
        "seconds": round(time.monotonic() - began, 1),
        "runs": runs,
        "migration": ways,
    }
    options.output.write_text(compact(result), "utf-8")
    if options.output == document.RESULT:
        document.write(result)
    print(document.render(result))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m laboratory", description=__doc__)
    parser.add_argument("--output", type=Path, default=document.RESULT)
    parser.add_argument(
        "--only", action="append", choices=[setup.name for setup in SETUPS], help="a set-up; repeatable"
    )
    parser.add_argument(
        "--tiny", action="store_true", help="a few seconds each, to see that it works; asks for --output"
    )
    options = parser.parse_args(arguments)
    if (options.tiny or options.only) and options.output == document.RESULT:
        parser.error("the published result is of all set-ups, at full size: give --output")
    return options


def first_half(wanted: Sequence[Setup], sizes: Sizes, folder: Path) -> list[dict[str, Any]]:
    """All set-ups, one after the other, on one broker."""
    runs = []
    with KafkaBroker(overrides=_DEFAULTS) as kafka:
        create_topic(kafka.bootstrap, "warm-up")
        warm_up(kafka.bootstrap, "warm-up")
        for number, setup in enumerate(wanted):
            print(setup.name, file=sys.stderr, flush=True)
            runs.append(play(kafka.bootstrap, setup, sizes, f"story-{number}", folder))
    return runs


def second_half(amounts: Amounts, folder: Path) -> list[dict[str, Any]]:
    """Both ways of the migration."""
    print("migration", file=sys.stderr, flush=True)
    with KafkaBroker() as kafka, LocalBigQuery(in_process=False) as bigquery:
        return migrated(kafka.bootstrap, bigquery, folder, amounts)


def compact(result: dict[str, Any]) -> str:
    """JSON, a line for each consumer and for each partition: small, and differences can be read."""
    text = json.dumps(result, indent=1, ensure_ascii=False)
    text = re.sub(rf"\n {{{_DEPTH + 1},}}", " ", text)
    return re.sub(rf"\n {{{_DEPTH}}}([\]}}])", r" \1", text) + "\n"


if __name__ == "__main__":
    main()
