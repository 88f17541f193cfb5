"""What pydantic finds, as a rejection: field and rule, and nothing of what the message says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from airflow_kafka_bq.formats.parser import Rejected
from airflow_kafka_bq.schema.columns import Column

_MAX_ERRORS = 5
# Their texts quote the message, or are written by the model's author, who may quote it.
_QUOTING = {
    "union_tag_invalid",
    "uuid_parsing",
    "value_error",
    "assertion_error",
    "url_parsing",
    "bytes_invalid_encoding",
}
_BUILT_IN = set(get_args(ErrorType)) - _QUOTING


def validated(
    validate: Callable[[], BaseModel], model: type[BaseModel], columns: Sequence[Column], value: bytes = b""
) -> BaseModel:
    """What ``validate`` makes of a message with ``model``.

    :param value: the message, where it may be no JSON at all.
    :raises Rejected: it does not hold.
    """
    try:
        return validate()
    except ValidationError as error:
        raise rejection(error, value, columns) from error
    except Exception as error:  # a validator of the model's author may raise anything
        said = f"a validator of {model.__name__} raised {type(error).__name__}"
        raise Rejected("validate", "validator_failed", said) from error


def unknown_field() -> Rejected:
    """Of a message with a field that no column takes, where that is refused."""
    return Rejected("validate", "unknown_field", "has a field that no column takes")


def nameless_field() -> Rejected:
    """Of a message with a field that not even the schema of its writer names, where such fields are to be kept."""
    error = "has a field that the schema it was read with does not name, so that there is no name to keep it under"
    return Rejected("validate", "unknown_field", error)


def rejection(error: ValidationError, value: bytes, columns: Sequence[Column]) -> Rejected:
    """Stage ``decode`` where the value is no JSON, else ``validate`` with pydantic's error type as reason."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        return _not_json(found[0]["msg"], value)
    rules = [f"{_place(detail['loc'], columns)}: {_rule(detail)}" for detail in found[:_MAX_ERRORS]]
    more = [f"and {len(found) - _MAX_ERRORS} more"] if len(found) > _MAX_ERRORS else []
    return Rejected("validate", found[0]["type"], "; ".join(rules + more))


def _not_json(message: str, value: bytes) -> Rejected:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return Rejected("decode", "invalid_utf8", f"not UTF-8 at byte {error.start}")
    if "recursion limit" in message:
        return Rejected("decode", "too_deep", "JSON is nested deeper than 200 levels, the limit with a model")
    return Rejected("decode", "invalid_json", message)


def _rule(detail: ErrorDetails) -> str:
    return detail["msg"] if detail["type"] in _BUILT_IN else f"refused by the model ({detail['type']})"


def _place(location: Iterable[int | str], columns: Sequence[Column]) -> str:
    """Path to the field, as far as the model names it: keys of a mapping are the message's."""
    steps: list[str] = []
    for step in location:
        if isinstance(step, int):
            steps.append(str(step))
            continue
        column = next((column for column in columns if step in {column.name, column.source}), None)
        if column is None:
            steps.append("(a field)")
            break
        steps.append(column.name)
        columns = column.fields
    return ".".join(steps) or "message"
