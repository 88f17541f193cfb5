"""A program: commits while the coordinator is away, and lives to see it come back. It is told when by lines."""

from __future__ import annotations

import sys
import time

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import KafkaUnavailableError
from airflow_kafka_bq.kafka import KafkaSource

LIMIT_SECONDS = 1.5


def main(bootstrap: str, topic: str, client: str) -> None:
    """``client`` is "fresh" or "warm": whether it has been connected to the coordinator before."""
    source = KafkaSource({"bootstrap.servers": bootstrap}, topic, "g", request_timeout_seconds=LIMIT_SECONDS)
    if client == "warm":
        source.commit({0: Position(1)}, "before")
    say("ready")
    for call in (lambda: source.commit({0: Position(7)}, "during"), source.group):
        started = time.monotonic()
        try:
            call()
        except KafkaUnavailableError:
            say(f"refused {time.monotonic() - started < LIMIT_SECONDS + 1}")
        else:
            say("answered")
    sys.stdin.readline()
    time.sleep(2.0)  # a late answer ends the process now, if it does
    source._requests.timeout_seconds = 20.0
    source.commit({0: Position(9)}, "after")
    say(f"committed {source.committed()[0].position.next_offset}")
    source.close()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    if text == "ready":
        sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
