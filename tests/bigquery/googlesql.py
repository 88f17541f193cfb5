"""The GoogleSQL analyzer as an optional judge: ``make gsqllint`` builds it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from airflow_kafka_bq.testing.bigquery.environment import cache_directory

# In single quotes, in backquotes, or neither: only there does a semicolon end a statement.
_QUOTES = {"'", "`"}


def analyzer() -> Path | None:
    """The built program; None where nobody built it."""
    found = cache_directory() / "gsqllint"
    return found if found.exists() else None


def statements(text: str) -> list[str]:
    """A script's statements, without comments and semicolons."""
    found, start, quote, at = [], 0, "", 0
    while at < len(text):
        sign = text[at]
        if quote:
            at += 1 if sign == "\\" else 0
            quote = "" if sign == quote else quote
        elif sign in _QUOTES:
            quote = sign
        elif sign == ";":
            found.append(text[start:at])
            start = at + 1
        at += 1
    return [one.strip() for one in [*found, text[start:]] if one.strip()]


# BigQuery's own columns of a table by ingestion time. The analyzer's binding for Go cannot declare them as such.
_PSEUDO = re.compile(r"\n\)\n(?=PARTITION BY (?:_PARTITIONDATE|\w+_TRUNC\(_PARTITIONTIME))")
_DECLARED = ",\n  _PARTITIONTIME TIMESTAMP, _PARTITIONDATE DATE\n)\n"


class Analyzer:
    """A running analyzer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def refusal(self, statement: str, tables: Sequence[str]) -> str | None:
        """Why BigQuery would refuse the statement; None if it would take it.

        :param tables: ``CREATE TABLE`` statements of the tables that it names.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        known = [_PSEUDO.sub(_DECLARED, one) for one in tables]
        self._process.stdin.write(json.dumps({"tables": known, "sql": _PSEUDO.sub(_DECLARED, statement)}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return None if answer["ok"] else str(answer["error"])


@contextmanager
def started(program: Path) -> Iterator[Analyzer]:
    """An analyzer that ends with the block."""
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Analyzer(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)
