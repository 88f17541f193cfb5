"""`python -m airflow_kafka_bq.testing.bigquery --port 9050`: a local BigQuery until interrupted."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import threading
from pathlib import Path

from airflow_kafka_bq.testing.bigquery.emulator import Emulator
from airflow_kafka_bq.testing.bigquery.front.server import Front


def main() -> None:
    """Serve until SIGINT or SIGTERM. Prints `port N` when ready."""
    parser = argparse.ArgumentParser(prog="python -m airflow_kafka_bq.testing.bigquery", description=__doc__)
    parser.add_argument("--port", type=int, default=9050, help="0 for a free one")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 only inside a container: there is no login"
    )
    parser.add_argument("--emulator", help="URL of an emulator that runs already; by default one is started")
    parser.add_argument("--state", type=Path, help="directory of the job registry; by default a new one")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with contextlib.ExitStack() as stack:
        url = arguments.emulator or stack.enter_context(Emulator()).url
        state = arguments.state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kafka-bq-front-")))
        front = Front(url, state, arguments.port, arguments.host)
        front.start()
        sys.stdout.write(f"port {front.url.rsplit(':', 1)[1]}\nBIGQUERY_EMULATOR_HOST={front.url}\n")
        sys.stdout.flush()
        stopped.wait()
        front.stop()


if __name__ == "__main__":
    main()
