"""Commands that look after tables: ``audit``, ``repair``, ``doctor``."""

from __future__ import annotations

import click

from airflow_kafka_bq.cli.manual import Manual
from airflow_kafka_bq.cli.options import JOB, days, options
from airflow_kafka_bq.cli.session import guarded
from airflow_kafka_bq.cli.startup import loading


@click.command(cls=Manual)
@JOB
@days
@click.option(
    "--against-kafka", is_flag=True, help="Read again what Kafka still has of the range, and look for each key."
)
@options
def audit(  # one parameter per option
    job: str, since: str | None, until: str | None, against_kafka: bool, as_json: bool, settings: tuple[str, ...],
    verbose: bool,
) -> None:  # fmt: skip
    """Find duplicates, missing messages and rows that no batch brought. Changes nothing; exit 1 if there are any."""
    with guarded(as_json, verbose) as session:
        with loading():
            from airflow_kafka_bq.cli.auditing import audit_job

        audit_job(session, job, settings, since, until, against_kafka)


@click.command(cls=Manual)
@JOB
@days
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and the bytes. Changes nothing.")
@click.option("--undo", metavar="BACKUP", help="Put the rows of a backup back into the table.")
@click.option(
    "--backup-days", type=float, metavar="DAYS", default=30, show_default=True, help="How long the backup is kept."
)
@options
def repair(  # one parameter per option
    job: str, since: str | None, until: str | None, dry_run: bool, undo: str | None, backup_days: float,
    as_json: bool, settings: tuple[str, ...], verbose: bool,
) -> None:  # fmt: skip
    """Remove duplicates by dedup key, with a backup. Of each key the row stays that the job's own rule keeps."""
    with guarded(as_json, verbose, changes=not dry_run) as session:
        with loading():
            from airflow_kafka_bq.cli.repairing import repair_job, undo_job

        if undo is not None:
            undo_job(session, job, settings, undo, dry_run or since is not None or until is not None)
        else:
            repair_job(session, job, settings, since, until, dry_run, backup_days)


@click.command(cls=Manual)
@click.argument("jobs", nargs=-1, type=click.Path(dir_okay=False))
@click.option("--dags", metavar="FOLDER", help="Look at the tasks of its DAG files too, with Airflow's connections.")
@click.option(
    "--every", metavar="SPAN", help="How often the jobs run, such as 1h or 1d; as their schedule says if left out."
)
@options
def doctor(  # one parameter per option
    jobs: tuple[str, ...], dags: str | None, every: str | None, as_json: bool, settings: tuple[str, ...], verbose: bool
) -> None:
    """Look for what stands against the promise: settings, permissions, shared groups, leftovers. Changes nothing."""
    with guarded(as_json, verbose) as session:
        with loading():
            from airflow_kafka_bq.cli.doctoring import doctor_jobs

        doctor_jobs(session, jobs, settings, every, dags)
