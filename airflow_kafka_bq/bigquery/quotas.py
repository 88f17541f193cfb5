"""Which of BigQuery's quotas an answer means, and what helps.

https://cloud.google.com/bigquery/quotas ; messages: https://cloud.google.com/bigquery/docs/troubleshoot-quotas
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_CHANGES, _CHANGES_SECONDS = 5, 10.0  # of the columns of a table that has no partitions
_LARGER = "larger batches (batch_messages, batch_bytes), or a schedule with longer intervals"
_QUOTAS: tuple[tuple[str, str, str], ...] = (
    (
        r"table update operations|metadata update",
        "metadata updates of a table (5 in 10 seconds, 50 where it has partitions)",
        f"run it again; if it comes back: {_LARGER}",
    ),
    (
        r"partition modifications",
        "partition modifications of a table in a day (30,000; 11,000 by ingestion time)",
        f"let other load jobs into this table be fewer; {_LARGER}",
    ),
    (
        r"(imports|query appends|load jobs|table modifications?|table operations).{0,40}per table",
        "table modifications in a day (1,500 load and copy jobs and appending queries; fixed)",
        "let other load jobs into this table be fewer: no MERGE is refused for it, and a staging table is loaded once",
    ),
    (
        r"(imports|load jobs).{0,40}per (project|day)",
        "load jobs of a project in a day (100,000, refilled over 24 hours)",
        f"{_LARGER}; each batch takes one load job, or two with dead letters",
    ),
    (
        r"DML statements outstanding",
        "waiting DML statements of a table (20)",
        "let fewer tasks and other jobs change this table at a time",
    ),
    (r"DML", "DML statements of a table (25 in 10 seconds)", _LARGER),
    (
        r"QueryUsagePer|query usage|scanned|bytes processed",
        "bytes that queries of a project or a user read in a day (a limit of your own)",
        "raise it, or let the MERGE prune (see the page on cost)",
    ),
    (
        r"concurrent (interactive )?quer|queued",
        "queries of a project at a time, or waiting",
        "let fewer tasks run at a time (an Airflow pool)",
    ),
)


def spread(changes: Iterable[T], pause: Callable[[float], None]) -> Iterator[T]:
    """Changes of a table's columns, no faster than BigQuery takes them."""
    for number, change in enumerate(changes):
        if number >= _CHANGES:
            pause(_CHANGES_SECONDS / _CHANGES)
        yield change


def remedy(message: str) -> str:
    """The quota by its name, and what to do; for a message that tells none, where to look."""
    for pattern, name, helps in _QUOTAS:
        if re.search(pattern, message, re.IGNORECASE):
            return f"the quota is: {name}; {helps}"
    return f"run it again later; which quota it is stands under IAM & Admin > Quotas; what helps with most: {_LARGER}"
