"""What was wrong with a parameter, in one line: parameter, what it takes, what was given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

_LONGEST_VALUE = 200


class Refusal(ValueError):
    """A rule that is broken, with what a person can do about it."""

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


def require(holds: object, message: str, remedy: str | None = None) -> None:
    """Refuse what does not hold. :raises Refusal: with this message."""
    if not holds:
        raise Refusal(message, remedy)


def unknown(names: Iterable[Any], known: Iterable[str]) -> str:
    """Message for parameters that do not exist, with the nearest that does."""
    import difflib  # every parse of a DAG file would pay for it

    options = list(known)
    hints = []
    for name in sorted(map(str, names)):
        near = difflib.get_close_matches(name.lower(), options, 1)
        hints.append(f"{name!r} (did you mean {near[0]!r}?)" if near else repr(name))
    return f"unknown parameter {', '.join(hints)}"


def readable(error: ValidationError) -> str:
    """What pydantic found, without its links."""
    return "; ".join(_one(found) for found in error.errors(include_url=False))


def _one(found: Any) -> str:
    name = ".".join(str(step) for step in found["loc"])
    if found["type"] == "missing":
        return f"{name}: is missing"
    text = found["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
    text = text.replace(" after validation", "")
    given = repr(found["input"])[:_LONGEST_VALUE]
    if not name:  # a rule between parameters; it says itself which
        return str(text)
    return f"{name}: {text}" if given in text else f"{name}: {text} (given: {given})"


def remedy(error: ValidationError) -> str | None:
    """What the first broken rule says about a way out."""
    causes = (found.get("ctx", {}).get("error") for found in error.errors(include_url=False))
    return next((cause.remedy for cause in causes if isinstance(cause, Refusal)), None)
