"""Load jobs: a file lands in a table wholly or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_kafka_bq.testing.bigquery.front.catalog import Catalog
from airflow_kafka_bq.testing.bigquery.front.columns import Field, normal_fields
from airflow_kafka_bq.testing.bigquery.front.conflicts import Unit, Versions
from airflow_kafka_bq.testing.bigquery.front.door import DoorError, Key, Resource, duckdb_name, missing, table_name
from airflow_kafka_bq.testing.bigquery.front.errors import already_exists, invalid
from airflow_kafka_bq.testing.bigquery.front.ndjson import ndjson_to_parquet, read_error
from airflow_kafka_bq.testing.bigquery.front.parquet import (
    infer_field,
    match_columns,
    null_element_test,
    read_schema,
    refuse_large_rows,
    statistics_of,
    with_exact_text,
)

_FORMATS = ("PARQUET", "NEWLINE_DELIMITED_JSON")
_DISPOSITIONS = ("WRITE_APPEND", "WRITE_EMPTY", "WRITE_TRUNCATE")


@dataclass(frozen=True)
class Load:
    """A load job.

    Attributes:
        job: Its key, for the marker.
        key: Destination.
        settings: `configuration.load`.
        path: The uploaded file.
        gate: Called with `start`, `commit` and `applied`: where faults wait.
    """

    job: str
    key: Key
    settings: dict[str, Any]
    path: Path
    gate: Callable[[str], None]

    @property
    def fields(self) -> list[Field]:
        """The schema that the job brings; empty if none."""
        return normal_fields(self.settings.get("schema", {}).get("fields", []))

    @property
    def is_parquet(self) -> bool:
        """True for Parquet, False for NDJSON."""
        return bool(self.settings.get("sourceFormat") == "PARQUET")

    @property
    def lists(self) -> bool:
        """`enable_list_inference`."""
        return bool(self.settings.get("parquetOptions", {}).get("enableListInference"))

    @property
    def disposition(self) -> str:
        """`writeDisposition`."""
        return str(self.settings.get("writeDisposition") or "WRITE_APPEND")


def check_load(settings: dict[str, Any]) -> Key:
    """The destination of a load job.

    Raises:
        BigQueryError: 400: the job cannot be accepted.
    """
    destination = settings.get("destinationTable") or {}
    if not all(destination.get(part) for part in ("projectId", "datasetId", "tableId")):
        raise invalid("Required parameter is missing: destinationTable")
    if settings.get("sourceFormat", "CSV") not in _FORMATS:
        raise invalid(
            f"The strict front does not load {settings.get('sourceFormat', 'CSV')}, only {' and '.join(_FORMATS)}"
        )
    if settings.get("writeDisposition") and settings["writeDisposition"] not in _DISPOSITIONS:
        raise invalid(f"Invalid value for writeDisposition: {settings['writeDisposition']}")
    return destination["projectId"], destination["datasetId"], destination["tableId"]


class Loader:
    """Runs load jobs.

    Args:
        catalog: The tables.
        versions: Gives transactions.
    """

    def __init__(self, catalog: Catalog, versions: Versions) -> None:
        self._catalog = catalog
        self._versions = versions

    def run(self, load: Load) -> dict[str, Any]:
        """Load the file; returns `statistics.load`.

        Raises:
            BigQueryError: The job failed; the table is as it was.
        """
        unit = self._versions.begin(transaction=False)
        try:
            load.gate("start")
            statistics = self._load(unit, load)
            load.gate("commit")
            unit.commit(load.job, json.dumps({"load": statistics}))
        except DoorError as error:
            unit.rollback()
            raise (
                unit.conflict(load.key, None) if error.is_conflict else read_error(error.as_bigquery().message)
            ) from error
        except BaseException:
            unit.rollback()
            raise
        load.gate("applied")
        return statistics

    def _load(self, unit: Unit, load: Load) -> dict[str, Any]:
        table = self._destination(unit, load)
        fields = table["schema"]["fields"]
        path = load.path.with_suffix(".parquet")
        if load.is_parquet:
            path = load.path
        else:
            ndjson_to_parquet(load.path, path, fields, bool(load.settings.get("ignoreUnknownValues")))
        try:
            rows = self._insert(unit, load, path, fields)
            return statistics_of(load.path, rows)
        finally:
            if path != load.path:
                path.unlink(missing_ok=True)

    def _insert(self, unit: Unit, load: Load, path: Path, fields: list[Field]) -> int:
        schema, _ = read_schema(path)
        exact = load.path.with_suffix(".exact")
        refuse_large_rows(path)
        if load.is_parquet:
            columns = match_columns(schema, fields, load.lists, bool(load.settings.get("ignoreUnknownValues")))
            test = null_element_test(columns, fields)
            if test and unit.session.native(f"SELECT 1 FROM read_parquet(?) WHERE {test} LIMIT 1", [str(path)]):
                raise read_error("Only optional fields can be set to NULL: an array holds a NULL")
        else:
            columns = [{"name": field["name"], "value": f'"{field["name"]}"'} for field in fields]
        try:
            read = with_exact_text(path, exact, fields) if load.is_parquet else path
            return int(unit.session.change("insert", key=list(load.key), path=str(read), columns=columns)["rows"])
        finally:
            exact.unlink(missing_ok=True)

    def _destination(self, unit: Unit, load: Load) -> Resource:
        table = self._catalog.find(load.key)
        if table is None:
            if load.settings.get("createDisposition") == "CREATE_NEVER":
                self._catalog.dataset(load.key[0], load.key[1])
                raise missing(load.key)
            return self._catalog.create(unit, load.key, self._new_table(load))
        if load.disposition == "WRITE_EMPTY" and int(table["numRows"]):
            raise already_exists("Table", table_name(load.key))
        if load.disposition == "WRITE_TRUNCATE":
            return self._truncate(unit, load, table)
        return self._widen(unit, load, table)

    def _new_table(self, load: Load) -> Resource:
        kept = ("timePartitioning", "rangePartitioning", "clustering", "labels")
        asked: Resource = {name: load.settings[name] for name in kept if load.settings.get(name)}
        fields = load.fields
        if not fields and load.is_parquet:
            schema, _ = read_schema(load.path)
            fields = [infer_field(field, load.lists) for field in schema]
        if not fields:
            raise invalid("No schema specified on job or table.")
        properties = load.settings.get("destinationTableProperties") or {}
        return (
            asked
            | {"schema": {"fields": fields}}
            | {name: properties[name] for name in properties if name != "expirationTime"}
        )

    def _truncate(self, unit: Unit, load: Load, table: Resource) -> Resource:
        unit.mutate(load.key)
        if not load.fields or load.fields == table["schema"]["fields"]:
            unit.session.native(f"DELETE FROM {duckdb_name(load.key)}")
            return table
        # The file's schema replaces the table's; the table itself stays the same one.
        replaced = table | {"schema": {"fields": load.fields}}
        self._catalog.drop(unit, load.key)
        unit.session.change("create", resource=replaced)
        return replaced

    def _widen(self, unit: Unit, load: Load, table: Resource) -> Resource:
        known = {field["name"].lower(): field for field in table["schema"]["fields"]}
        added = []
        for field in load.fields:
            here = known.get(field["name"].lower())
            if here is None:
                added.append(field)
            elif here["type"] != field["type"]:
                raise invalid(
                    f"Provided Schema does not match Table {table_name(load.key)}. Field {field['name']} has changed "
                    f"type from {here['type']} to {field['type']}"
                )
        if not added:
            return table
        if known and "ALLOW_FIELD_ADDITION" not in load.settings.get("schemaUpdateOptions", []):
            raise invalid(
                f"Provided Schema does not match Table {table_name(load.key)}. Cannot add fields "
                f"(field: {added[0]['name']})"
            )
        return self._catalog.alter(unit, table, table | {"schema": {"fields": [*table["schema"]["fields"], *added]}})
