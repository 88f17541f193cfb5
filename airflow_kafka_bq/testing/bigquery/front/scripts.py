"""Runs the statements of a query job: alone, or as a script whose statements are child jobs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from airflow_kafka_bq.testing.bigquery.front.catalog import Catalog
from airflow_kafka_bq.testing.bigquery.front.conflicts import Unit, Versions
from airflow_kafka_bq.testing.bigquery.front.ddl import run_ddl
from airflow_kafka_bq.testing.bigquery.front.door import Door, DoorError, Session
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid_query
from airflow_kafka_bq.testing.bigquery.front.guard import check_merge
from airflow_kafka_bq.testing.bigquery.front.ingestion import played
from airflow_kafka_bq.testing.bigquery.front.statements import (
    DDL_KINDS,
    DML_KINDS,
    TRANSACTION_KINDS,
    VARIABLE_KINDS,
    Statement,
)
from airflow_kafka_bq.testing.bigquery.front.variables import Variables

Statistics = dict[str, Any]


@dataclass
class Outcome:
    """What a statement, or a whole script, did.

    Attributes:
        statement: The statement.
        statistics: `statistics.query` of its job.
        error: What it failed with, if it did.
    """

    statement: Statement
    statistics: Statistics = field(default_factory=dict)
    error: BigQueryError | None = None


@dataclass
class Run:
    """A running query job.

    Attributes:
        project: Of the job.
        job: The job's key, for markers and results.
        statements: What to run.
        parameters: Query parameters, as the API takes them.
        cancelled: Set when somebody cancels the job.
        gate: Called with `start`, `commit` and `applied` as the job passes these points: where faults wait.
        budget: Raises when the bytes of the statements so far and the next exceed what may be billed.
        outcomes: What was done so far.
        variables: Declared so far.
    """

    project: str
    job: str
    statements: list[Statement]
    parameters: Any
    cancelled: threading.Event
    gate: Callable[[str], None]
    budget: Callable[[Statement], Statistics]
    outcomes: list[Outcome] = field(default_factory=list)
    variables: Variables = field(default_factory=Variables)

    @property
    def is_script(self) -> bool:
        """True if it holds more than one statement."""
        return len(self.statements) > 1


class Engine:
    """Runs query jobs.

    Args:
        door: The way to the emulator.
        catalog: The tables.
        versions: Gives transactions and decides who may commit.
    """

    def __init__(self, door: Door, catalog: Catalog, versions: Versions) -> None:
        self._door = door
        self._catalog = catalog
        self._versions = versions

    def run(self, run: Run) -> None:
        """Run all statements; `run.outcomes` tells what they did.

        Raises:
            BigQueryError: A statement failed. What an open transaction did is undone.
        """
        unit: Unit | None = None
        try:
            for statement in run.statements:
                _stop_if(run)
                unit = self._step(run, statement, unit)
            if unit is not None:
                # A script that ends within a transaction loses it.
                unit.rollback()
        except BaseException:
            if unit is not None:
                unit.rollback()
            raise

    def _step(self, run: Run, statement: Statement, unit: Unit | None) -> Unit | None:
        if statement.kind in TRANSACTION_KINDS:
            run.outcomes.append(Outcome(statement, {"statementType": statement.kind}))
            return self._transaction(run, statement, unit)
        outcome = Outcome(statement)
        run.outcomes.append(outcome)
        try:
            if statement.kind in VARIABLE_KINDS:
                self._variable(run, outcome)
            else:
                outcome.statement = statement.with_tree(run.variables.replace(statement.tree))
                self._one(run, outcome, unit)
        except BigQueryError as error:
            outcome.error = _placed(error, statement) if run.is_script else error
            raise outcome.error from error
        return unit

    def _variable(self, run: Run, outcome: Outcome) -> None:
        outcome.statistics["statementType"] = outcome.statement.kind

        def evaluate(sql: str) -> str | None:
            with Session(self._door) as session:
                value: str | None = session.run(run.project, sql, "query")["first"][0]["f"][0]["v"]
                return value

        try:
            run.variables.run(outcome.statement, evaluate)
        except DoorError as error:
            raise error.as_bigquery() from error

    def _transaction(self, run: Run, statement: Statement, unit: Unit | None) -> Unit | None:
        if statement.kind == "BEGIN_TRANSACTION":
            if unit is not None:
                raise invalid_query(f"Transaction is already in progress at {statement.place}")
            unit = self._versions.begin(transaction=True)
            self._pass(run, "start", unit)
            return unit
        if unit is None:
            raise invalid_query(f"There is no active transaction at {statement.place}")
        if statement.kind == "COMMIT_TRANSACTION":
            self._commit(run, unit)
        else:
            unit.rollback()
        return None

    def _pass(self, run: Run, point: str, unit: Unit) -> None:
        try:
            run.gate(point)
            _stop_if(run)
        except BaseException:
            unit.rollback()
            raise

    def _commit(self, run: Run, unit: Unit) -> None:
        self._pass(run, "commit", unit)
        last = run.statements[-1] if run.is_script else None
        # Only the last commit of a job may mark it as applied; earlier ones leave it to be told as failed.
        final = last is None or len(run.outcomes) == len(run.statements)
        unit.commit(run.job if final else "", payload_of(run))
        run.gate("applied")

    def _one(self, run: Run, outcome: Outcome, unit: Unit | None) -> None:
        statement = outcome.statement
        if statement.kind in DDL_KINDS and unit is not None:
            raise invalid_query(
                f"DDL statements on permanent objects are not allowed in a transaction at {statement.place}"
            )
        self._check_tables(statement)
        outcome.statistics |= {"statementType": statement.kind} | run.budget(statement)
        if unit is not None:
            self._execute(run, outcome, unit)
            return
        waits = statement.target is not None and statement.kind in DML_KINDS and statement.mutates_statically
        turn = self._versions.turn(statement.target, run.cancelled) if waits and statement.target else nullcontext()
        with turn:
            own = self._versions.begin(transaction=False)
            try:
                self._pass(run, "start", own)
                self._execute(run, outcome, own)
                self._commit(run, own)
            except BaseException:
                own.rollback()
                raise

    def _check_tables(self, statement: Statement) -> None:
        for key in statement.reads:
            if key != statement.target or statement.kind not in DDL_KINDS:
                self._catalog.get(key)

    def _execute(self, run: Run, outcome: Outcome, unit: Unit) -> None:
        statement = outcome.statement
        if statement.kind in DDL_KINDS:
            outcome.statistics["ddlOperationPerformed"] = run_ddl(self._catalog, self._door, unit, statement)
            return
        statement = played(statement, self._catalog)
        with unit.refusals(statement.target):
            if statement.kind in {"UPDATE", "DELETE"} and statement.target:
                unit.mutate(statement.target)
            if statement.kind == "MERGE":
                check_merge(unit.session, run.project, statement)
            self._send(run, outcome, unit, statement)

    def _send(self, run: Run, outcome: Outcome, unit: Unit, statement: Statement) -> None:
        kind = {"SELECT": "query", "MERGE": "merge"}.get(statement.kind, "count")
        told = unit.session.run(
            run.project, statement.sql(), kind, run.parameters, run.job if kind == "query" else None
        )
        if kind == "query":
            outcome.statistics["totalRows"] = str(told["total_rows"])
            return
        counts = told if kind == "merge" else {_COUNTED[statement.kind]: told["affected"]}
        stats = {f"{name}RowCount": str(counts.get(name, 0)) for name in ("inserted", "updated", "deleted")}
        outcome.statistics["dmlStats"] = stats
        outcome.statistics["numDmlAffectedRows"] = str(sum(counts.values()))
        if kind == "merge" and statement.target and counts["updated"] + counts["deleted"]:
            unit.mutate(statement.target)


_COUNTED = {"INSERT": "inserted", "UPDATE": "updated", "DELETE": "deleted"}


def _placed(error: BigQueryError, statement: Statement) -> BigQueryError:
    """The error of a script's statement as its job tells it: with the place in the script."""
    if error.reason != "invalidQuery" or " at [" in error.message:
        return error
    return BigQueryError(error.reason, f"Query error: {error.message} at {statement.place}", location=error.location)


def _stop_if(run: Run) -> None:
    if run.cancelled.is_set():
        raise BigQueryError("stopped", "Job execution was cancelled: User requested cancellation")


def payload_of(run: Run) -> str:
    """What a marker keeps: enough to tell a restarted front what the job did."""
    done = [outcome.statistics for outcome in run.outcomes]
    return json.dumps({"outcomes": done})
