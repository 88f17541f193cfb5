"""The border to the schema registry: Confluent's client, its errors sorted into the package's own."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

from airflow_kafka_bq.exceptions import (
    AccessDeniedError,
    ConfigError,
    IngestError,
    NotFoundError,
    RegistryUnavailableError,
)
from airflow_kafka_bq.kafka.settings import redacted
from airflow_kafka_bq.ports import RegisteredSchema

PREFIX = "schema.registry."
"""Settings of the registry among those of the Kafka client, which does not know them."""
_DEFAULTS: Mapping[str, Any] = {"timeout": 10.0, "max.retries": 3, "retries.wait.ms": 500, "retries.max.wait.ms": 4_000}
_NUMBERS = {"timeout": float, "cache.latest.ttl.sec": float} | dict.fromkeys(
    ("max.retries", "retries.wait.ms", "retries.max.wait.ms", "cache.capacity"), int
)
_DENIED = {401, 403}
_NOT_THERE = 404
_SECRET = re.compile(r"user\.info|token$|secret|password|custom\.config|\.key$")
_log = logging.getLogger(__name__)


def split(kafka: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of the Kafka client, and those of the registry that stand among them, without their prefix."""
    ours = {name.removeprefix(PREFIX): value for name, value in kafka.items() if name.startswith(PREFIX)}
    return {name: value for name, value in kafka.items() if not name.startswith(PREFIX)}, ours


class SchemaRegistry:
    """Schemas of one registry, by Confluent's API.

    :param settings: those of ``SchemaRegistryClient``: ``url``, ``basic.auth.user.info``, ``bearer.auth.*``, ``ssl.*``,
        ``timeout`` in seconds, …
    :raises ConfigError: one is missing or wrong, or the client's packages are not installed.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._secrets = _secrets(settings)
        if not settings.get("url"):
            raise ConfigError(
                "the url of the schema registry is missing",
                remedy=f"set {PREFIX}url in the Kafka connection, or url under schema_registry: in the job file",
            )
        self._client = self._connected({**_DEFAULTS, **settings})

    def schema(self, schema_id: int) -> RegisteredSchema | None:
        """The schema with this id; None: there is none."""
        found = self._asked(f"asking for schema {schema_id}", lambda: self._client.get_schema(schema_id))
        return None if found is None else self._registered(schema_id, found)

    def latest(self, subject: str) -> RegisteredSchema:
        """The latest version of a subject. :raises NotFoundError: there is none."""
        found = self._asked(f"asking for subject {subject!r}", lambda: self._client.get_latest_version(subject))
        if found is None:
            raise NotFoundError(f"the schema registry has no subject {subject!r}")
        return self._registered(int(found.schema_id), found.schema)

    def close(self) -> None:
        """Release connections; never raises."""
        try:
            self._client.close()
        except Exception:
            _log.warning("closing the schema registry's client failed", exc_info=True)

    def _registered(self, schema_id: int, found: Any) -> RegisteredSchema:
        kind = (found.schema_type or "AVRO").upper()
        return RegisteredSchema(schema_id, kind, found.schema_str, tuple(self._references(found, {}).items()))

    def _references(self, schema: Any, seen: dict[str, str]) -> dict[str, str]:
        """Depth first, so that each text stands after what it names."""
        for one in schema.references or ():
            if one.name in seen:
                continue
            what = f"asking for version {one.version} of subject {one.subject!r}"
            found = self._asked(what, partial(self._client.get_version, one.subject, one.version))
            if found is None:
                raise NotFoundError(f"the schema registry has no version {one.version} of subject {one.subject!r}")
            self._references(found.schema, seen)
            seen[one.name] = found.schema.schema_str
        return seen

    def _asked(self, doing: str, ask: Callable[[], Any]) -> Any:
        """The answer; None for what is not there."""
        from confluent_kafka.schema_registry import SchemaRegistryError

        try:
            return ask()
        except SchemaRegistryError as error:
            if error.http_status_code == _NOT_THERE:
                return None
            raise self._translated(doing, error, error.http_status_code) from error
        except Exception as error:  # of the HTTP client: no answer, or a token that could not be had
            raise self._translated(doing, error, getattr(error, "status_code", None)) from error

    def _translated(self, doing: str, error: Exception, status: int | None) -> IngestError:
        said = redacted(str(error), self._secrets) or type(error).__name__
        if status in _DENIED:
            return AccessDeniedError(f"{doing}: the schema registry refuses the login: {said}")
        return RegistryUnavailableError(f"{doing}: {said}")

    def _connected(self, settings: dict[str, Any]) -> Any:
        try:
            from confluent_kafka.schema_registry import SchemaRegistryClient
        except ImportError as error:
            remedy = "pip install 'airflow-provider-kafka-bq[registry]'"
            raise ConfigError(f"the schema registry's client is not installed ({error})", remedy=remedy) from error
        try:
            return SchemaRegistryClient({name: _number(name, value) for name, value in settings.items()})
        except (ValueError, TypeError, OSError) as error:  # OSError: a certificate that is not there
            said = redacted(str(error), self._secrets)
            raise ConfigError(f"the settings of the schema registry: {said}") from error


def _number(name: str, value: Any) -> Any:
    """Numbers may come as text, as a job file has them."""
    return _NUMBERS[name](value) if name in _NUMBERS and isinstance(value, str) else value


def _secrets(settings: Mapping[str, Any]) -> dict[str, str]:
    """What no message may show, under names that :func:`redacted` knows as secret."""
    found = [str(value) for name, value in settings.items() if _SECRET.search(name)]
    found += [text.partition(":")[2] for text in found if ":" in text]
    for url in str(settings.get("url", "")).split(","):
        userinfo, at, _ = urlsplit(url.strip()).netloc.rpartition("@")
        found += [userinfo, unquote(userinfo.partition(":")[2])] if at else []
    return {f"secret.{number}": text for number, text in enumerate(found) if text}
