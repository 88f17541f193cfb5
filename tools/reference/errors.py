"""The errors: what their docstrings say, and which exit code they have."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_kafka_bq import exceptions
from airflow_kafka_bq.exceptions import IngestError, TerminalError, TransientError
from tools.reference.tables import table

_CODE = re.compile(r"``(\w+)``")


@dataclass(frozen=True)
class Said:
    """A docstring, taken apart."""

    what: str
    raised: str
    remedy: str


def parts() -> Mapping[str, str]:
    """The generated parts of the page."""
    return {"transient": _table(TransientError), "terminal": _table(TerminalError)}


def leaves(root: type[IngestError] = IngestError) -> list[type[IngestError]]:
    """Errors that are raised, in the order of their module."""
    found = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, root)]
    return [kind for kind in found if not kind.__subclasses__()]


def said(kind: type[IngestError]) -> Said:
    """What an error's docstring says.

    :raises ValueError: it does not say when, or what to do.
    """
    text = inspect.cleandoc(kind.__doc__ or "")
    found = re.fullmatch(r"(.+?)\n\nRaised when: (.+?)\nRemedy: (.+)", text, re.DOTALL)
    if found is None:
        message = f"the docstring of {kind.__name__} has no 'Raised when:' and 'Remedy:'"
        raise ValueError(message)
    return Said(*(" ".join(part.split()) for part in found.groups()))


def _table(root: type[IngestError]) -> str:
    rows = [
        (
            f"<a id='{kind.__name__.lower()}'></a>`{kind.__name__}`",
            str(kind.exit_code),
            _marked(f"{said(kind).what} {_sentence(said(kind).raised)}"),
            _marked(_sentence(said(kind).remedy)),
        )
        for kind in leaves(root)
    ]
    return table(("error", "exit code", "what it means, and when it is raised", "remedy"), rows)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _marked(text: str) -> str:
    """Code as Markdown marks it."""
    return _CODE.sub(r"`\1`", text)
