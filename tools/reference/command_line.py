"""The commands, as click knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from airflow_kafka_bq.cli.commands import cli
from airflow_kafka_bq.cli.manual import PAGES
from tools.reference.tables import table


def parts() -> Mapping[str, str]:
    """The generated parts of the page."""
    return {"commands": "\n\n".join(_command(name, command) for name, command in cli.commands.items())}


def _command(name: str, command: click.Command) -> str:
    usage = " ".join(("kafka-bq", name, *_pieces(command)))
    rows = [(f"`{_names(option)}`", option.help or "") for option in _options(command)]
    examples = "\n".join(f"kafka-bq {line}  # {does}" for line, does in PAGES[name].examples)
    options = table(("option", "meaning"), rows)
    return f"### {name}\n\n```text\n{usage}\n```\n\n{_help(command)}\n\n{options}\n\n```sh\n{examples}\n```"


def _help(command: click.Command) -> str:
    return " ".join((command.help or "").split())


def _options(command: click.Command) -> Iterator[click.Option]:
    return (one for one in command.params if isinstance(one, click.Option))


def _names(option: click.Option) -> str:
    metavar = "" if option.is_flag else f" {option.metavar or 'TEXT'}"
    return f"{', '.join(sorted(option.opts, reverse=True))}{metavar}"


def _pieces(command: click.Command) -> Iterator[str]:
    for one in command.params:
        if isinstance(one, click.Argument):
            yield f"{str(one.name).upper().removesuffix('S')}.yaml{'…' if one.nargs == -1 else ''}"
    yield from (f"{option.opts[-1]} …" for option in _options(command) if option.required)
    yield "[OPTIONS]"
