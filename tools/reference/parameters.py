"""The parameters as a user writes them, from the types of ``JobConfig`` and the text under each."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from airflow_kafka_bq.config import JobConfig, options, parameters, scalars
from airflow_kafka_bq.config.rules import NOT_SUPPORTED_AT_ALL
from tools.reference.tables import table

NOT_YET = "not supported in this version"
# Heading -> its first parameter.
GROUPS: Mapping[str, str] = {
    "Topic, table, connections": "topic",
    "Columns": "model",
    "Duplicates and deletes": "dedup_key",
    "Bad messages": "on_bad_message",
    "The table": "partition_by",
    "Functions": "transform",
    "Bounds": "batch_messages",
    "Where to read": "window",
    "How to read": "assignment",
    "Cost and time": "max_bytes_billed",
    "Where things are put": "staging_dataset",
}
# Type -> what a user writes. The types are told apart by their rules, so one that is new or changed is not found.
WRITTEN: tuple[tuple[Any, str], ...] = (
    (parameters.Topic, "name of a topic"),
    (parameters.Table, "`dataset.table` or `project.dataset.table`"),
    (parameters.Project, "project id"),
    (parameters.Location, "such as `EU` or `europe-west4`"),
    (parameters.Dataset, "`dataset` or `project.dataset`"),
    (parameters.Group, "text; `{topic}`, `{project}`, `{dataset}`, `{table}` are filled in"),
    (parameters.Accounts, "an account, or a list of them"),
    (parameters.ClusterColumns, "a column, or a list of at most 4"),
    (parameters.Key, "a column, or a list of them"),
    (parameters.EnvelopeFields, "a field, or a list of them"),
    (parameters.KeyFields, "`{column: field}`"),
    (parameters.Function, "a function, or `package.module:name`"),
    (parameters.Model, "a pydantic model, or `package.module:Name`"),
    (parameters.PartitionBy, "`none`, a column, or `column:hour`, `:day`, `:month`, `:year`"),
    (parameters.Between, "`{from: …, to: …}`, times or offsets (`{0: 100, 1: 0}`)"),
    (parameters.PartitionNumbers, "a number, a list, or `0,3`"),
    (parameters.Start, "`auto`, `earliest`, `latest`, `fail`, an ISO time, or offsets (`{0: 100, 1: 0}`)"),
    (options.Labels, "`{key: value}`"),
    (options.Encryption, "`{kms_key_name: …}`"),
    (options.TableOptions, "`{option: value}`"),
    (scalars.Whole, "a number from 0"),
    (scalars.Positive, "a number from 1"),
    (scalars.Seconds, "seconds, above 0"),
    (scalars.Hours, "hours, from 1"),
    (scalars.Days, "days, from 1"),
    (scalars.Span, "days, or such as `7d` or `12h`"),
    (scalars.Ratio, "a number from 0 to 1"),
    (scalars.Size, "bytes, such as `67108864` or `64MiB`"),
    (scalars.Flag, "`true` or `false`"),
    (scalars.Text, "text"),
    (scalars.String, "text"),
)


def parts() -> Mapping[str, str]:
    """The generated part of the page."""
    return {"parameters": "\n\n".join(_groups())}


def meanings() -> dict[str, str]:
    """The text under each parameter in its class."""
    statements = ast.walk(ast.parse(inspect.getsource(parameters.Parameters)))
    (found,) = [one for one in statements if isinstance(one, ast.ClassDef)]
    pairs = zip(found.body, found.body[1:], strict=False)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _groups() -> Iterator[str]:
    headings = {first: heading for heading, first in GROUPS.items()}
    said, rows = meanings(), list[tuple[str, ...]]()
    names = list(JobConfig.model_fields)
    for name, following in zip(names, [*names[1:], None], strict=True):
        if name in headings:
            yield f"## {headings[name]}"
        rows.append((f"`{name}`", _written(name), _default(name), said[name] + _later(name)))
        if following is None or following in headings:
            yield table(("parameter", "written as", "default", "meaning"), rows)
            rows = []


def _written(name: str) -> str:
    """In the user's words; that a parameter may be left out is what the default says."""
    if name in NOT_SUPPORTED_AT_ALL:
        return "–"
    hint = get_type_hints(JobConfig, include_extras=True)[name]
    arms = [arm for arm in get_args(hint) if arm is not types.NoneType]
    if get_origin(hint) in {Union, types.UnionType} and len(arms) == 1:
        hint = arms[0]
    if get_origin(hint) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(hint))
    for kind, text in WRITTEN:
        if hint == kind:
            return text
    message = f"parameter {name} is of a type that WRITTEN does not have: {hint}"
    raise LookupError(message)


def _default(name: str) -> str:
    field = JobConfig.model_fields[name]
    if field.is_required():
        return "required"
    default: Any = field.get_default(call_default_factory=True)
    if default is None or default == {}:
        return ""
    if field.annotation is not None and "ByteSize" in str(field.annotation):
        return f"`{default.human_readable(separator='').replace('.0', '')}`"
    if isinstance(default, bool):
        return f"`{default}`".lower()
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _later(name: str) -> str:
    if name in NOT_SUPPORTED_AT_ALL:
        return f" **{NOT_YET.capitalize()}.**"
    return ""
