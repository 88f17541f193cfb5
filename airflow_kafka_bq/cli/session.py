"""What every command shares: where results go, how errors become exit codes, what a signal does."""

from __future__ import annotations

import json
import logging
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from airflow_kafka_bq.exceptions import IngestError, StopRequested
from airflow_kafka_bq.pipeline.stopping import Stop

BUG = 70


class Session:
    """Output and stop flag of one command. ``exit_code`` is what the process ends with."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.stop = Stop()
        self.exit_code = 0
        self.signal: int | None = None
        self.out = Console(highlight=False)
        self.err = Console(stderr=True, highlight=False)

    def print_json(self, document: Any) -> None:
        """One JSON document to stdout."""
        sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
        sys.stdout.flush()

    def fail(self, error: IngestError) -> None:
        """Report a failure: JSON to stdout for machines, a few lines to stderr for people."""
        self.exit_code = error.exit_code
        if self.as_json:
            self.print_json(error.to_json())
            return
        self.err.print(f"[bold red]{type(error).__name__}[/]: {escape(error.message)}")
        for name in ("topic", "partition", "offset", "group_id", "batch_id"):
            if (value := getattr(error, name)) is not None:
                self.err.print(f"  {name}: {escape(str(value))}")
        if error.remedy:
            self.err.print(f"  remedy: {escape(error.remedy)}")

    def interrupted(self) -> int:
        """128 + the signal that asked to stop."""
        return 128 + (self.signal or signal.SIGINT)

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """First signal: stop at the next safe point. Second: end at once, as if the handler were not there."""
        if self.stop.requested:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal = number
        self.stop.request()


@contextmanager
def guarded(as_json: bool, verbose: bool) -> Iterator[Session]:
    """Run a command's body; end the process with the contract's exit code."""
    session = Session(as_json)
    _log_to_stderr(session.err, verbose)
    before = {number: signal.signal(number, session.on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield session
    except IngestError as error:
        session.fail(error)
    except StopRequested:
        session.exit_code = session.interrupted()
    except Exception as error:  # the contract has an exit code for our bugs
        _bug(session, error)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    sys.exit(session.exit_code)


def _bug(session: Session, error: Exception) -> None:
    session.exit_code = BUG
    session.err.print(escape("".join(traceback.format_exception(error))))
    session.err.print("[bold red]This is a bug of kafka-bq.[/] Nothing was committed that is not in the table.")
    if session.as_json:
        session.print_json({"error": type(error).__name__, "message": str(error), "remedy": "report it, with the log"})


def _log_to_stderr(console: Console, verbose: bool) -> None:
    handler = RichHandler(console=console, show_path=False, omit_repeated_times=False)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger("airflow_kafka_bq")
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    root.propagate = False
