"""A job file: the parameters in YAML, plus the settings of the clients.

The folder of the file and the current one are on the import path for ``model``, ``transform`` and ``filter``.
In ``kafka:``, ``bigquery:``, ``schema_registry:`` and ``salts:`` values are text as written, and ``${NAME}`` is taken
from the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_kafka_bq import assembly
from airflow_kafka_bq.bigquery.client import connect
from airflow_kafka_bq.bigquery.jobs import DEADLINE_SECONDS
from airflow_kafka_bq.config import JobConfig, environment, yaml_text
from airflow_kafka_bq.config.messages import unknown
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.kafka.shared_admins import SharedAdmins
from airflow_kafka_bq.pipeline.job import Job, Progress, silent
from airflow_kafka_bq.pipeline.stopping import Stop

_CLIENTS = ("kafka", "bigquery", "schema_registry", "salts")
OF_AIRFLOW = frozenset((
    *("dag_id", "schedule", "start_date", "end_date", "catchup", "max_active_runs", "tags", "description", "doc_md"),
    *("params", "owner", "retries", "retry_delay", "execution_timeout", "pool", "pool_slots", "queue"),
    *("priority_weight", "slices"),
))  # fmt: skip
"""Keys that ``dags_from_yaml`` takes; they mean nothing outside Airflow."""


@dataclass(frozen=True, slots=True)
class JobFile:
    """A validated job file. The clients' settings may hold secrets and are left out of its text form."""

    path: Path
    config: JobConfig
    kafka: Mapping[str, Any] = field(repr=False)
    bigquery: Mapping[str, Any] = field(repr=False)
    schema_registry: Mapping[str, Any] = field(repr=False, default_factory=dict)
    salts: Mapping[str, Any] = field(repr=False, default_factory=dict)

    @property
    def search_path(self) -> tuple[Path, ...]:
        """Where the model is looked for, besides installed packages."""
        return (self.path.resolve().parent, Path.cwd())


def read(path: str | Path, settings: tuple[str, ...] = (), **overrides: Any) -> JobFile:
    """Read and validate a job file.

    :param settings: ``key=value`` pairs that replace what the file says, values in YAML. ``kafka.bootstrap.servers=…``
        reaches into the clients' settings, where a value is text as written; ``window.from=…`` into a mapping.
    :param overrides: parameters that a command sets (``window`` of a replay).
    :raises ConfigError: the file is no job file, or a parameter is wrong.
    """
    path = Path(path)
    found = _parsed(path)
    for pair in settings:
        _apply(found, pair)
    clients = {name: _client(path, name, found.pop(name, None)) for name in _CLIENTS}
    found = {name: value for name, value in found.items() if name not in OF_AIRFLOW}
    if strange := [key for key in found if not isinstance(key, str)]:
        raise ConfigError(f"{path}: {unknown(strange, JobConfig.model_fields)}", remedy="put the name in quotes")
    if missing := sorted({"topic", "table"} - set(found)):
        raise ConfigError(f"{path}: {missing[0]} is missing", remedy="a job file names at least topic and table")
    try:
        config = JobConfig.of(**{**found, **overrides})
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", topic=error.topic, remedy=error.remedy) from error
    return JobFile(path, config, **clients)


def parameters(path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(parameters as they are written, keys for Airflow); the clients' settings are left out, and no variable is read.

    :raises ConfigError: the file is no job file.
    """
    found = {name: value for name, value in _parsed(Path(path)).items() if name not in _CLIENTS}
    if strange := [key for key in found if key not in JobConfig.model_fields and key not in OF_AIRFLOW]:
        raise ConfigError(f"{path}: {unknown(strange, [*JobConfig.model_fields, *OF_AIRFLOW])}")
    if missing := sorted({"topic", "table"} - set(found)):
        raise ConfigError(f"{path}: {missing[0]} is missing", remedy="a job file names at least topic and table")
    airflow = {name: value for name, value in found.items() if name in OF_AIRFLOW}
    return {name: value for name, value in found.items() if name not in OF_AIRFLOW}, airflow


def _parsed(path: Path) -> dict[Any, Any]:
    try:
        found = yaml_text.parsed(path.read_text(encoding="utf-8"), text_sections=_CLIENTS)
    except FileNotFoundError as error:
        raise ConfigError(f"no job file at {path}") from error
    except yaml_text.YamlError as error:
        where = f", line {error.line}" if error.line else ""
        raise ConfigError(f"{path}{where}: not a job file in YAML: {error}", remedy=error.remedy) from None
    except (OSError, ValueError) as error:  # ValueError: not UTF-8
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path} holds no parameters", remedy="write at least topic: and table:")
    return found


def _client(path: Path, section: str, settings: Any) -> dict[str, Any]:
    """Settings of a client, variables filled in. Messages never show a value."""
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: {section} is a mapping of settings, not {type(settings).__name__}")
    for name, value in settings.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            kind = "nothing" if value is None else f"a {type(value).__name__}"
            remedy = f'one text for each setting, as in {section}: {{some.setting: "text"}}'
            raise ConfigError(f"{path}: {section}.{name} is {kind}, not a text", remedy=remedy)
    try:
        return environment.expanded(section, settings)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", remedy=error.remedy) from error


def _apply(found: dict[Any, Any], pair: str) -> None:
    """One ``--set``."""
    key, equals, text = pair.partition("=")
    section, dot, name = key.partition(".")
    if not (equals and section) or (dot and not name):
        shown = f"{section}.…" if dot and section in _CLIENTS else pair  # what follows may be a password
        raise ConfigError(f"--set {shown!r} is not key=value")
    value = _text(text) if dot and section in _CLIENTS else _value(key, text)
    if not dot:
        found[key] = value
        return
    inside = {} if found.get(section) is None else found[section]
    if not isinstance(inside, dict):
        raise ConfigError(f"--set {key}: {section} is a {type(inside).__name__} and has no {name!r}")
    found[section] = {**inside, name: value}


def _value(key: str, text: str) -> Any:
    try:
        return yaml_text.parsed(text, all_text=key in _CLIENTS)
    except yaml_text.YamlError as error:
        remedy = error.remedy or f"put a text in quotes: --set \"{key}='…'\""
        raise ConfigError(f"--set {key}: not a YAML value: {error}", remedy=remedy) from None


def _text(text: str) -> str:
    """A setting of a client is text as written; in quotes, what the quotes hold."""
    if text[:1] not in {'"', "'"}:
        return text
    try:
        found = yaml_text.parsed(text)
    except yaml_text.YamlError:
        return text
    return found if isinstance(found, str) else text


def assemble(
    file: JobFile, stop: Stop, progress: Progress = silent, client_id: str = "kafka-bq",
    admins: SharedAdmins | None = None, deadline_seconds: float = DEADLINE_SECONDS,
) -> Job:  # fmt: skip
    """Everything that a run works with. No request is made yet.

    :param admins: shared with the other jobs of a command.
    :param deadline_seconds: how long BigQuery is asked while it does not answer.
    :raises ConfigError: a setting is wrong. :raises NotFoundError: the model cannot be imported.
    """
    config = file.config
    if not file.kafka:
        message = f"{file.path}: kafka: is missing; outside Airflow it holds the client's settings"
        raise ConfigError(message, remedy='write kafka: {bootstrap.servers: "host:9092"}')
    client = connect(file.bigquery, config.project_id, config.impersonation_chain)
    return assembly.assemble(
        config, file.kafka, client, stop, location=file.bigquery.get("location"), search_path=file.search_path,
        progress=progress, client_id=client_id, registry=file.schema_registry,
        admins=admins, deadline_seconds=deadline_seconds,
        salt_of=lambda name: file.salts[name] if name in file.salts else assembly.no_salt(name),
    )  # fmt: skip
