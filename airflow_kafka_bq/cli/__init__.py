"""The command line: ``kafka-bq``. Logs go to stderr, results to stdout."""

from __future__ import annotations

import signal

from airflow_kafka_bq.cli.startup import uncollected

__all__ = ["main"]


def main(arguments: list[str] | None = None, program: str = "kafka-bq") -> None:
    """Entry point; see ``commands.main``. From the main thread only."""
    # As an exception an interrupt that comes while Python imports may be dropped, in a callback of the import system,
    # and the run would go on to its end. Until the commands are there it ends the process.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # else the caller decided, such as a shell that ignores it for a job
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with uncollected():
            from airflow_kafka_bq.cli import commands
    finally:
        signal.signal(signal.SIGINT, before)
    commands.main(arguments, program)
