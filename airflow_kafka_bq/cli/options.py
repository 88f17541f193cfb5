"""Arguments and options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

JOB = click.argument("job", type=click.Path(dir_okay=False))


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that every command takes."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document for machines."),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="Replace a setting of the job file; may be given several times.",
        ),
        click.option("-v", "--verbose", is_flag=True, help="Log more, to stderr."),
    ):
        command = option(command)
    return command


def days(command: Callable[..., Any]) -> Callable[..., Any]:
    """A range of the table."""
    end = click.option("--to", "until", metavar="TIME", help="ISO time: only rows before it; all if left out.")
    begin = click.option(
        "--from",
        "since",
        metavar="TIME",
        help="ISO time: only rows whose partition column is then or later; all if left out.",
    )
    return begin(end(command))
