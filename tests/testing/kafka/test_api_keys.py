from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from airflow_kafka_bq.testing.kafka.api_keys import ApiKey, error_code


@pytest.mark.parametrize("name", ["OffsetCommit", "OFFSET_COMMIT", "offset_commit", ApiKey.OFFSET_COMMIT])
def test_a_request_type_goes_by_all_its_names(name: str | ApiKey) -> None:
    assert ApiKey.named(name) == 8


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="OFFSET_COMMIT"):
        ApiKey.named("OffsetCommitt")
    for name in ("NOPE", "name"):  # the second is an attribute, and no error
        with pytest.raises(ValueError, match="no Kafka error"):
            error_code(name)


def test_errors_go_by_the_names_of_the_client() -> None:
    assert KafkaError(error_code("_TRANSPORT")).name() == "_TRANSPORT"
    assert error_code("NO_ERROR") == 0
