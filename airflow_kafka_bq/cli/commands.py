"""Commands of ``kafka-bq``."""

from __future__ import annotations

import sys

import click

from airflow_kafka_bq import __version__
from airflow_kafka_bq.cli.care import audit, doctor, repair
from airflow_kafka_bq.cli.manual import Manuals
from airflow_kafka_bq.cli.options import JOB, options
from airflow_kafka_bq.cli.session import Session, guarded
from airflow_kafka_bq.cli.startup import loading
from airflow_kafka_bq.exceptions import ConfigError


@click.group(cls=Manuals, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kafka-bq")
def cli() -> None:
    """Move Kafka topics into BigQuery tables, in batches, without loss and without duplicates.

    Exit codes: 0 done, 1 findings, 2 usage or configuration, 3 a person must act, 4 run it again, 70 a bug of ours,
    130/143 interrupted.
    """


@cli.command()
@JOB
@click.option("--profile", is_flag=True, help="Show where the time went: seconds, rows/s and bytes/s of each station.")
@options
def run(job: str, profile: bool, as_json: bool, settings: tuple[str, ...], verbose: bool) -> None:
    """Read the topic to the end it has now, and merge it into the table."""
    with guarded(as_json, verbose, changes=True) as session:
        with loading():
            from airflow_kafka_bq.cli.running import run_job

        run_job(session, job, settings, profiled=profile)


@cli.command()
@JOB
@click.option("--from", "start", metavar="WHERE", required=True, help="ISO time, or offsets such as '{0: 100, 1: 0}'.")
@click.option(
    "--to", "end", metavar="WHERE", required=True, help="ISO time, or offsets; half-open: the end itself is left out."
)
@click.option("--partitions", metavar="NUMBERS", help="Only these, such as 0,3; all if left out.")
@click.option("--dry-run", is_flag=True, help="Show what would be read, and the MERGE with its bytes.")
@options
def replay(  # one parameter per option
    job: str, start: str, end: str, partitions: str | None, dry_run: bool, as_json: bool, settings: tuple[str, ...],
    verbose: bool,
) -> None:  # fmt: skip
    """Read a window again through the same MERGE. No position moves; rows that are there stay.

    Several windows may be read at once, also beside the live task.
    """
    with guarded(as_json, verbose, changes=not dry_run) as session:
        with loading():
            from airflow_kafka_bq.cli.running import replay_job

        replay_job(session, job, settings, start, end, partitions, dry_run)


@cli.command()
@JOB
@click.option("--since", metavar="TIME", help="ISO time: only what failed then or later; from the first if left out.")
@click.option("--until", metavar="TIME", help="ISO time: only what failed before; to the last if left out.")
@click.option(
    "--reason", multiple=True, metavar="NAME", help="Only what failed for this reason; may be given several times."
)
@click.option("--stage", multiple=True, metavar="NAME", help="Only what failed there; may be given several times.")
@click.option("--limit", metavar="N", help="So many messages at most, the oldest ones first; all if left out.")
@click.option("--dry-run", is_flag=True, help="Show what would be redriven, and what of it would fail again.")
@options
def redrive(  # one parameter per option
    job: str, since: str | None, until: str | None, reason: tuple[str, ...], stage: tuple[str, ...], limit: str | None,
    dry_run: bool, as_json: bool, settings: tuple[str, ...], verbose: bool,
) -> None:  # fmt: skip
    """Run dead letters through the job as it is now. No position moves; what fails again stays, with its new reason."""
    with guarded(as_json, verbose, changes=not dry_run) as session:
        with loading():
            from airflow_kafka_bq.cli.redriving import redrive_job

        redrive_job(session, job, settings, dry_run, since=since, until=until, reason=reason, stage=stage, limit=limit)


@cli.command()
@JOB
@options
def plan(job: str, as_json: bool, settings: tuple[str, ...], verbose: bool) -> None:
    """Show ranges, lag, what would be created, and the MERGE with its bytes. Changes nothing."""
    with guarded(as_json, verbose) as session:
        with loading():
            from airflow_kafka_bq.cli.looking import plan_job

        plan_job(session, job, settings)


@cli.command()
@click.argument("jobs", nargs=-1, required=True, type=click.Path(dir_okay=False))
@click.option(
    "--max-lag", type=click.IntRange(min=1), metavar="N", help="Exit 1 where more are unread; no limit if left out."
)
@click.option("--max-age", metavar="SPAN", help="Exit 1 where one is older than 15m, 4h, 2d; no limit if left out.")
@options
def lag(  # one parameter per option
    jobs: tuple[str, ...], max_lag: int | None, max_age: str | None, as_json: bool, settings: tuple[str, ...],
    verbose: bool,
) -> None:  # fmt: skip
    """Show position, end, lag and oldest unread message of each partition, without joining a group.

    Exit 1 where a job is behind by more than --max-lag or --max-age.
    """
    with guarded(as_json, verbose) as session:
        with loading():
            from airflow_kafka_bq.cli.lagging import lag_jobs, most_of

        lag_jobs(session, jobs, settings, most_of(max_lag, max_age))


@cli.command()
@JOB
@click.option("--diff", is_flag=True, help="Compare with the table that exists; exit 1 if they differ.")
@options
def schema(job: str, diff: bool, as_json: bool, settings: tuple[str, ...], verbose: bool) -> None:
    """Show the table as it would be created."""
    with guarded(as_json, verbose) as session:
        with loading():
            from airflow_kafka_bq.cli.looking import schema_job

        schema_job(session, job, settings, diff)


@cli.command()
@JOB
@click.option("--to", metavar="WHERE", help="earliest, latest, an ISO time, or offsets such as 0:123,1:456.")
@click.option(
    "--partitions", metavar="NUMBERS", help="Move only these, such as 0,3; all if left out. Offsets name theirs."
)
@click.option("--accept-topic", is_flag=True, help="The topic was created again, and is the one that is meant.")
@click.option("--accept-target", is_flag=True, help="The table was created again, and is the one that is meant.")
@click.option("--dry-run", is_flag=True, help="Show what would be read again or skipped. Changes nothing.")
@click.option("--undo", metavar="FILE", help="Take back what this undo file tells of.")
@click.option(
    "--undo-file", metavar="FILE", help="Where to write the undo file; TOPIC.TABLE.seek-REVISION.undo.json if left out."
)
@options
def seek(  # one parameter per option
    job: str, to: str | None, partitions: str | None, accept_topic: bool, accept_target: bool, dry_run: bool,
    undo: str | None, undo_file: str | None, as_json: bool, settings: tuple[str, ...], verbose: bool,
) -> None:  # fmt: skip
    """Move the position on purpose, in ledger and group together.

    Back: messages are read again, which changes nothing in the table. Forward: messages are skipped for good.
    """
    with guarded(as_json, verbose, changes=not dry_run) as session:
        with loading():
            from airflow_kafka_bq.cli.seeking import seek_job

        seek_job(
            session, job, settings, to=to, partitions=partitions, accept_topic=accept_topic,
            accept_target=accept_target, dry_run=dry_run, undo=undo, undo_file=undo_file,
        )  # fmt: skip


@cli.command("migrate-group")
@click.argument("jobs", nargs=-1, required=True, type=click.Path(dir_okay=False))
@click.option("--from-group", metavar="GROUP", help="The old consumer group, whose consumers have been stopped.")
@click.option("--adopt", is_flag=True, help="The table has the old consumer's rows: take the position that fits them.")
@click.option("--delete-old", is_flag=True, help="Delete the old group once every job has its position.")
@click.option("--dry-run", is_flag=True, help="Show old and new positions. Changes nothing.")
@click.option("--undo", metavar="FILE", help="Take back what this undo file tells of.")
@click.option(
    "--undo-file", metavar="FILE", help="Where to write the undo file; GROUP.migrate-group.undo.json if left out."
)
@options
def migrate_group(  # one parameter per option
    jobs: tuple[str, ...], from_group: str | None, adopt: bool, delete_old: bool, dry_run: bool, undo: str | None,
    undo_file: str | None, as_json: bool, settings: tuple[str, ...], verbose: bool,
) -> None:  # fmt: skip
    """Give jobs the positions of an old consumer group, which several topics may have shared.

    All are checked before the first one moves. Run again, it finishes what was left half done.
    """
    with guarded(as_json, verbose, changes=not dry_run) as session:
        with loading():
            from airflow_kafka_bq.cli.migrating import migrate_jobs

        migrate_jobs(
            session, jobs, settings, from_group=from_group, adopt=adopt, delete_old=delete_old, dry_run=dry_run,
            undo=undo, undo_file=undo_file,
        )  # fmt: skip


for looks_after in (audit, repair, doctor):
    cli.add_command(looks_after)


@cli.command()
@click.option("--airflow", is_flag=True, help="Run the job as the task of a DAG instead of from a job file.")
@click.option("--ui", is_flag=True, help="Leave Airflow's web page up, with DAGs to click on, until Ctrl-C.")
@click.option(
    "--kafka",
    type=click.Choice(["embedded", "real"]),
    default="embedded",
    envvar="DEMO_KAFKA",
    metavar="KIND",
    help="embedded (default), or real: Apache Kafka, which needs Java. Also in $DEMO_KAFKA.",
)
@click.option(
    "--messages",
    type=click.IntRange(1_000, 100_000),
    default=20_000,
    metavar="N",
    help="In the topic before the first run; 20000 if left out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for machines.")
@click.option("-v", "--verbose", is_flag=True, help="Log more, to stderr.")
def demo(airflow: bool, ui: bool, kafka: str, messages: int, as_json: bool, verbose: bool) -> None:
    """Show on a Kafka and a BigQuery of its own what a consumer written by hand leaves in a table, and what this does.

    Needs no account and leaves nothing behind. Exit code 1: a figure is not what it should be.
    """
    with guarded(as_json, verbose, takes_signals=True) as session:
        with loading():
            from airflow_kafka_bq.demo import Options, play

        options = Options(kafka, airflow=airflow, ui=ui, messages=messages, as_json=as_json, verbose=verbose)
        session.exit_code = play(options)


def main(arguments: list[str] | None = None, program: str = "kafka-bq") -> None:
    """Entry point: usage errors become exit 2 in the words of the other errors."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        cli.main(arguments, prog_name=program, standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        if "--json" in arguments:
            Session(as_json=True).fail(ConfigError(error.format_message()))
        else:
            error.show()
        sys.exit(2)


__all__ = ["cli", "main"]
