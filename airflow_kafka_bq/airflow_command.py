"""``airflow kafka-bq``: the command line, where an Airflow is installed; 3.1 takes no commands of providers.

Every ``airflow`` command imports this module and calls :func:`commands`: neither imports the command line.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.cli.cli_config import ActionCommand

PROGRAM = "airflow kafka-bq"


class _Everything:
    """The one argument: all that follows, options too. Click reads them, and writes the help."""

    flags = ("arguments",)

    def add_to_parser(self, parser: argparse.ArgumentParser) -> None:
        """As ``airflow.cli.cli_config.Arg``."""
        # Nothing begins an option here: argparse would answer --help itself and refuse a leading --version.
        parser.prefix_chars = "\0"
        parser.add_argument(*self.flags, nargs=argparse.REMAINDER)


def commands() -> list[ActionCommand]:
    """What ``airflow`` offers in our name."""
    from airflow.cli.cli_config import ActionCommand

    about = "Move Kafka topics into BigQuery tables: run, plan, lag, replay, …; --help lists them"
    everything: Any = _Everything()
    return [ActionCommand(name="kafka-bq", help=about, func=run, args=(everything,))]


def run(arguments: argparse.Namespace) -> None:
    """Hand over to ``kafka-bq``; its exit code is that of the process."""
    from airflow_kafka_bq.cli import main

    main(arguments.arguments, PROGRAM)
