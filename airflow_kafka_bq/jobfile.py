"""A job file: the parameters in YAML, plus the settings of the two clients.

The folder of the file and the current one are on the import path for ``model``, ``transform`` and ``filter``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from airflow_kafka_bq.bigquery.client import connect
from airflow_kafka_bq.bigquery.warehouse import BigQueryWarehouse
from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.formats.fingerprint import fingerprint
from airflow_kafka_bq.kafka.source import KafkaSource
from airflow_kafka_bq.pipeline.decode import DecodeRules
from airflow_kafka_bq.pipeline.runner import Job, Progress, silent
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.schema.build import build_target
from airflow_kafka_bq.schema.imports import imported

_CLIENTS = ("kafka", "bigquery")


@dataclass(frozen=True, slots=True)
class JobFile:
    """A validated job file."""

    path: Path
    config: JobConfig
    kafka: Mapping[str, Any]
    bigquery: Mapping[str, Any]

    @property
    def search_path(self) -> tuple[Path, ...]:
        """Where the model is looked for, besides installed packages."""
        return (self.path.resolve().parent, Path.cwd())


def read(path: str | Path, settings: tuple[str, ...] = (), **overrides: Any) -> JobFile:
    """Read and validate a job file.

    :param settings: ``key=value`` pairs that replace what the file says; ``kafka.bootstrap.servers=…`` reaches into the
        clients' settings; values are YAML.
    :param overrides: parameters that a command sets (``window`` of a replay).
    :raises ConfigError: the file is no job file, or a parameter is wrong.
    """
    path = Path(path)
    found = _parsed(path)
    for pair in settings:
        _apply(found, pair)
    clients = {name: found.pop(name, None) or {} for name in _CLIENTS}
    for name, section in clients.items():
        if not isinstance(section, dict):
            raise ConfigError(f"{path}: {name} is a mapping of settings, not {type(section).__name__}")
    if missing := sorted({"topic", "table"} - set(found)):
        raise ConfigError(f"{path}: {missing[0]} is missing", remedy="a job file names at least topic and table")
    config = JobConfig.of(**{**found, **overrides})
    return JobFile(path, config, clients["kafka"], clients["bigquery"])


def _parsed(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"no job file at {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: not YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path} holds no parameters", remedy="write at least topic: and table:")
    return found


def _apply(found: dict[str, Any], pair: str) -> None:
    key, equals, text = pair.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {pair!r} is not key=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {key}: {text!r} is not a YAML value") from error
    section, dot, name = key.partition(".")
    if dot and section in _CLIENTS:
        found[section] = {**(found.get(section) or {}), name: value}
    else:
        found[key] = value


def assemble(file: JobFile, stop: Stop, progress: Progress = silent, client_id: str = "kafka-bq") -> Job:
    """Everything that a run works with. No request is made yet.

    :raises ConfigError: a setting is wrong. :raises NotFoundError: the model cannot be imported.
    """
    config = file.config
    if not file.kafka:
        message = f"{file.path}: kafka: is missing; outside Airflow it holds the client's settings"
        raise ConfigError(message, remedy='write kafka: {bootstrap.servers: "host:9092"}')
    with _importing(file.search_path):
        model, transform, keep = (
            imported(value, file.search_path) if isinstance(value, str) else value
            for value in (config.model, config.transform, config.filter)
        )
    client = connect(file.bigquery, config.project_id, config.impersonation_chain)
    location = config.location or file.bigquery.get("location")
    warehouse = BigQueryWarehouse(client, location, stop.event)
    table = config.table_id(warehouse.project)
    target = build_target(config, table, model)
    source = KafkaSource(
        file.kafka,
        config.topic,
        config.group(table),
        isolation_level=config.isolation_level,
        stall_timeout_seconds=config.stall_timeout_seconds,
        client_id=client_id,
    )
    rules = DecodeRules.of(config, target, model, transform, keep)
    code = fingerprint(config, target, model, (transform, keep))
    return Job(config, source, warehouse, target, rules, code, stop=stop, progress=progress)


@contextmanager
def _importing(folders: tuple[Path, ...]) -> Iterator[None]:
    """Python keeps modules of the job's folder importable while its model is imported."""
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before
