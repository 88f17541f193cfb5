"""A Kafka for people: ``python -m airflow_kafka_bq.testing.kafka``, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import click

from airflow_kafka_bq.testing.kafka.broker import KafkaBroker
from airflow_kafka_bq.testing.kafka.broker_node import KafkaStartError
from airflow_kafka_bq.testing.kafka.jars import KafkaProgramsError
from airflow_kafka_bq.testing.kafka.mock_cluster import MockCluster, MockClusterError
from airflow_kafka_bq.testing.kafka.topics import create_topic

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stop(BaseException):
    """A stop signal; no handler of ordinary errors on the way may swallow it."""


@click.command()
@click.option("--brokers", default=1, show_default=True, type=click.IntRange(1, 9), help="Number of brokers.")
@click.option("--port", type=int, help="Port of the first broker instead of a free one.")
@click.option("--sasl", metavar="USER:PASSWORD", multiple=True, help="Open a SASL listener (PLAIN, SCRAM-SHA-256).")
@click.option("--tls", is_flag=True, help="Open a TLS listener with a certificate of its own.")
@click.option("--acl", is_flag=True, help="Ask for permission of SASL users; the plain listener may do all.")
@click.option("--topic", "topics", metavar="NAME:PARTITIONS", multiple=True, help="Create a topic.")
@click.option("--mock", is_flag=True, help="librdkafka's mock cluster instead of Apache Kafka: no Java.")
def main(
    *, brokers: int, port: int | None, sasl: tuple[str, ...], tls: bool, acl: bool, topics: tuple[str, ...], mock: bool
) -> None:
    """Run a Kafka cluster on this machine until Ctrl-C or SIGTERM; then throw it away.

    The first line of output is the value for bootstrap.servers.
    """
    if mock and (port or sasl or tls or acl):
        raise click.UsageError("--mock has no --port, --sasl, --tls or --acl")
    wanted = [_name_and_partitions(each) for each in topics]
    users = dict(_user_and_password(each) for each in sasl)
    for number in _STOP_SIGNALS:
        signal.signal(number, _stop)
    try:
        with ExitStack() as running:
            if mock:
                _show_mock(running.enter_context(MockCluster(brokers)), wanted)
            else:
                kafka = KafkaBroker(brokers, port=port, users=users, tls=tls, acl=acl)
                _show_broker(running.enter_context(kafka), wanted)
            while True:
                signal.pause()
    except _Stop:
        click.echo("stopped", err=True)
    except (KafkaProgramsError, KafkaStartError, MockClusterError) as error:
        raise click.ClickException(str(error)) from error


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the shape of a signal handler
    for each in _STOP_SIGNALS:  # an impatient second Ctrl-C must not interrupt the clean-up
        signal.signal(each, signal.SIG_IGN)
    raise _Stop


def _show_mock(mock: MockCluster, topics: list[tuple[str, int]]) -> None:
    for name, partitions in topics:
        mock.create_topic(name, partitions)
    click.echo(mock.bootstrap)
    click.echo("mock cluster; topics appear when used; stop it with Ctrl-C", err=True)


def _show_broker(kafka: KafkaBroker, topics: list[tuple[str, int]]) -> None:
    for name, partitions in topics:
        create_topic(kafka.bootstrap, name, partitions, replication_factor=min(3, len(kafka.node_ids)))
    click.echo(kafka.bootstrap)
    if kafka.users:
        click.echo(f"sasl={kafka.sasl_settings(kafka.users[0])['bootstrap.servers']}")
    if kafka.tls:
        settings = kafka.tls_settings()
        click.echo(f"tls={settings['bootstrap.servers']} ssl.ca.location={settings['ssl.ca.location']}")
    click.echo("Apache Kafka is ready; stop it with Ctrl-C", err=True)


def _name_and_partitions(text: str) -> tuple[str, int]:
    name, _, partitions = text.partition(":")
    if not name or not (partitions or "1").isdigit():
        raise click.BadParameter(f"{text!r} is not NAME:PARTITIONS")
    return name, int(partitions or "1")


def _user_and_password(text: str) -> tuple[str, str]:
    user, _, password = text.partition(":")
    if not user or not password:
        raise click.BadParameter("--sasl wants USER:PASSWORD")
    return user, password


if __name__ == "__main__":
    main(prog_name=f"{Path(sys.executable).name} -m airflow_kafka_bq.testing.kafka")
