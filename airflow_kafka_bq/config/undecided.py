"""Parameters of which some are not known yet: templates that Airflow renders when the task runs.

What is known is held to its own rules and to those rules between parameters that need nothing unknown.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_kafka_bq.config.job import JobConfig


class Undecided(Exception):  # a signal inside a rule: it cannot be judged yet
    """A rule asked for a parameter that is not known."""


class Known:
    """A job as far as it is known: asking for more ends in ``Undecided``, also inside the job's own properties."""

    def __init__(self, job: JobConfig, unknown: frozenset[str]) -> None:
        self._job, self._unknown = job, unknown

    def __getattr__(self, name: str) -> Any:
        if name in self._unknown:
            raise Undecided(name)
        found = inspect.getattr_static(type(self._job), name, None)
        return found.fget(self) if isinstance(found, property) and found.fget else getattr(self._job, name)


def decided(rules: Iterable[Callable[[Any], None]], known: Known) -> None:
    """Apply the rules that can be judged."""
    for rule in rules:
        try:
            rule(known)
        except Undecided:
            continue
