"""What every command shares: where results go, how errors become exit codes, what may be shown."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from airflow_kafka_bq.cli.signals import caught
from airflow_kafka_bq.exceptions import IngestError, StopRequested, TerminalError, TransientError
from airflow_kafka_bq.pipeline.stopping import Stop

if TYPE_CHECKING:
    from airflow_kafka_bq.jobfile import JobFile

BUG = 70
_ERASE = "\r\x1b[K"  # the line that the cursor stands in
_LOG = logging.getLogger("airflow_kafka_bq")


class NobodyReads(Exception):  # a signal, no failure of the command
    """The reader of stdout has gone, as ``head`` does; what was done is done."""


class Unwritable(Exception):  # a signal: what was done is done, and cannot be told
    """The disk behind stdout is full, say."""


class _Stdout(Console):
    def on_broken_pipe(self) -> None:
        """Rich would end the process with 1, which means findings here."""
        raise NobodyReads


class Session:
    """Output and stop flag of one command. ``exit_code`` is what the process ends with.

    Lines are as long as they are: a terminal wraps them where it likes, and what is copied or piped stays whole.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.stop = Stop()
        self.exit_code = 0
        self.signal: int | None = None
        self.out = _Stdout(highlight=False)
        self.err = Console(stderr=True, highlight=False)
        self._settings: list[Mapping[str, Any]] = []
        self._drawn = False

    def read(self, path: str, settings: tuple[str, ...], **overrides: Any) -> JobFile:
        """As ``jobfile.read``; from then on no output shows a secret of this file, whoever wrote it into a message."""
        from airflow_kafka_bq import jobfile  # with it come all clients, for which `--help` should not wait

        file = jobfile.read(path, settings, **overrides)
        self.hide(file.kafka)
        return file

    def hide(self, settings: Mapping[str, Any]) -> None:
        """From now on no output shows a secret of these settings."""
        self._settings.append(settings)

    def progress(self, doing: str) -> None:
        """What is under way: a line on a terminal, until the next line takes its place. A file gets results alone."""
        if self.err.file.isatty():
            self._drawn = True
            self.err.file.write(f"{_ERASE}… {self.shown(doing)}"[: self.err.width])
            self.err.file.flush()

    def _erase(self) -> None:
        if self._drawn:
            self._drawn = False
            self.err.file.write(_ERASE)
            self.err.file.flush()

    def shown(self, text: str) -> str:
        """The text without secrets."""
        if not self._settings:
            return text
        from airflow_kafka_bq.kafka.settings import redacted

        for settings in self._settings:
            text = redacted(text, settings)
        return text

    def say(self, text: str) -> None:
        """A line to stdout. :raises NobodyReads, Unwritable: see there."""
        self._erase()
        try:
            self.out.print(Text(self.shown(text)), soft_wrap=True)
        except OSError as error:
            raise Unwritable(str(error)) from error

    def tell(self, text: str, style: str = "", rest: str = "") -> None:
        """A line to stderr, its first part in a style."""
        self._erase()
        self.err.print(Text.assemble((self.shown(text), style), self.shown(rest)), soft_wrap=True)

    def print_json(self, document: Any) -> None:
        """One JSON document to stdout. :raises NobodyReads, Unwritable: see there."""
        self._erase()
        try:
            sys.stdout.write(json.dumps(self._shown(document), indent=2, default=str) + "\n")
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise NobodyReads from error
        except OSError as error:
            raise Unwritable(str(error)) from error

    def _shown(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._shown(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._shown(inner) for inner in value]
        return self.shown(value) if isinstance(value, str) else value

    def fail(self, error: IngestError) -> None:
        """Report a failure: JSON to stdout for machines, a few lines to stderr for people."""
        self.exit_code = error.exit_code
        if self.stop.requested and isinstance(error, TransientError):
            self.exit_code = self.interrupted()  # both say "run it again"; only one says why it ended
        if self.as_json:
            self.print_json(error.to_json())
            return
        self.complain(error)

    def complain(self, error: IngestError) -> None:
        """A failure for people, to stderr."""
        self.tell(type(error).__name__, "bold red", f": {error.message}")
        for name in ("topic", "partition", "offset", "group_id", "batch_id", "remedy"):
            if (value := getattr(error, name)) is not None:
                self.tell(f"  {name}: {value}")

    def interrupted(self) -> int:
        """128 + the signal that asked to stop."""
        return 128 + (self.signal or signal.SIGINT)

    def ask_to_stop(self, number: int) -> bool:
        """A signal came: the run stops at its next safe point."""
        self.signal = number
        self.stop.request()
        return True


@contextmanager
def guarded(as_json: bool, verbose: bool, *, changes: bool = False, takes_signals: bool = False) -> Iterator[Session]:
    """Run a command's body; end the process with the contract's exit code.

    :param changes: the command changes something and stops at a safe point; others end at the first signal.
    :param takes_signals: it installs handlers of its own, for what it has to take down.
    """
    session = Session(as_json)
    on_signal = session.ask_to_stop if changes else (lambda _number: False)
    signals = nullcontext() if takes_signals else caught(on_signal)
    with _logging_to_stderr(session, verbose), signals, _told(session):
        try:
            yield session
        except IngestError as error:
            session.fail(error)
        except StopRequested:
            session.exit_code = session.interrupted()
        except (NobodyReads, Unwritable):
            raise
        except Exception as error:  # the contract has an exit code for our bugs
            _bug(session, error)
    sys.exit(session.exit_code)


@contextmanager
def _told(session: Session) -> Iterator[None]:
    """A pipe that nobody reads is no failure; a result that cannot be written is one, and no bug of ours."""
    try:
        yield
    except NobodyReads:
        _discard_stdout()
    except Unwritable as error:
        _discard_stdout()
        session.exit_code = session.exit_code or TerminalError.exit_code
        session.tell("The result cannot be written", "bold red", f": {error}. What was done is done.")


def _discard_stdout() -> None:
    """What is still buffered has to go somewhere, or Python complains when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _bug(session: Session, error: Exception) -> None:
    session.exit_code = BUG
    session.tell("".join(traceback.format_exception(error)).rstrip())
    session.tell("This is a bug of kafka-bq.", "bold red", " Nothing was committed that is not in the table.")
    if session.as_json:
        unknown = dict.fromkeys(IngestError("").to_json())
        known = {"error": type(error).__name__, "message": str(error), "remedy": "report it, with the log"}
        session.print_json(unknown | known)


class _Lines(logging.Handler):
    """Log records as lines on stderr, above a progress bar that may be there."""

    _STYLES = ((logging.ERROR, "red"), (logging.WARNING, "yellow"), (logging.INFO, ""))

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        style = next((style for level, style in self._STYLES if record.levelno >= level), "dim")
        try:
            self._session.tell(self.format(record), style)
        except Exception:  # a log line must not end a run
            self.handleError(record)


@contextmanager
def _logging_to_stderr(session: Session, verbose: bool) -> Iterator[None]:
    """The package's log goes to stderr, and to nobody else, while a command runs."""
    before = (_LOG.handlers[:], _LOG.level, _LOG.propagate)
    _LOG.handlers[:] = [_Lines(session)]
    _LOG.setLevel(logging.DEBUG if verbose else logging.INFO)
    _LOG.propagate = False
    try:
        yield
    finally:
        _LOG.handlers[:], _LOG.level, _LOG.propagate = before
