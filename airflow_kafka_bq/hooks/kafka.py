"""A Kafka connection as librdkafka settings: all that the official provider resolves, and tokens that outlive a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.providers.apache.kafka.hooks.base import KafkaBaseHook

from airflow_kafka_bq._airflow import AirflowNotFoundException, AirflowOptionalProviderFeatureException
from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError
from airflow_kafka_bq.kafka.tokens import (
    OAUTH_SETTINGS,
    AccessToken,
    google_token_callback,
    is_managed_by_google,
)


class KafkaSettingsHook(KafkaBaseHook):
    """The official connection type, as a dict of settings instead of a client.

    :param kafka_config_id: connection of type ``kafka``.
    :param google_token: gives a valid token for Google's managed service; it replaces the provider's own callback,
        which has none to show when it is asked twice.
    """

    hook_name = "Apache Kafka settings"

    def __init__(
        self,
        kafka_config_id: str = KafkaBaseHook.default_conn_name,
        google_token: Callable[[], AccessToken] | None = None,
    ) -> None:
        super().__init__(kafka_config_id)  # type: ignore[no-untyped-call]
        self._google_token = google_token

    def settings(self) -> dict[str, Any]:
        """Librdkafka settings by their dotted names; callbacks are callables.

        :raises ConfigError: no such connection, no ``bootstrap.servers``, a callback that is not allowed, or an
            optional package that is missing.
        """
        try:
            extra = dict(self.get_connection(self.kafka_config_id).extra_dejson)
            if is_managed_by_google(str(extra.get("bootstrap.servers"))) and "oauth_cb" not in extra:
                return self._managed_by_google(extra)
            return dict(self.get_conn)
        except AirflowNotFoundException as error:
            raise ConfigError(
                f"Kafka connection {self.kafka_config_id!r} is not defined",
                remedy=f"airflow connections add {self.kafka_config_id} --conn-type kafka "
                """--conn-extra '{"bootstrap.servers": "host:9092"}'""",
            ) from error
        except AirflowOptionalProviderFeatureException as error:
            raise ConfigError(f"Kafka connection {self.kafka_config_id!r}: {error}") from error
        except (ImportError, ValueError) as error:  # no servers, or a callback that is not on the allow-list
            raise ConfigError(
                f"Kafka connection {self.kafka_config_id!r}: {error}",
                remedy="its extra is a JSON object of librdkafka settings; callbacks need [apache_kafka] "
                "callback_allowlist",
            ) from error

    def _managed_by_google(self, extra: dict[str, Any]) -> dict[str, Any]:
        if self._google_token is None:
            raise AccessDeniedError(
                f"Kafka connection {self.kafka_config_id!r} names Google's managed service; no Google login is known",
                remedy="name a Google connection in gcp_conn_id",
            )
        extra.pop("sasl.mechanism", None)  # the other name of sasl.mechanisms
        return {**extra, **OAUTH_SETTINGS, "oauth_cb": google_token_callback(self._google_token)}

    def _get_client(self, config: dict[str, Any]) -> dict[str, Any]:
        """What the official hook builds a client from."""
        return config
