"""Dropping never fails: the rows are applied, and the expiry takes what is left."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from google.api_core import exceptions as google

from airflow_kafka_bq.bigquery.staging_tables import StagingTables
from airflow_kafka_bq.config import TableId


@pytest.mark.parametrize("trouble", [google.Forbidden("no"), google.ServiceUnavailable("later"), OSError("gone")])
def test_a_table_that_cannot_be_dropped_is_left_to_its_expiry(
    trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    tables: Any = StagingTables()
    tables._client = mock.Mock(delete_table=mock.Mock(side_effect=trouble))
    tables.drop(TableId("demo", "shop", "orders__stg_1"))
    assert "demo.shop.orders__stg_1 is left to its expiry" in caplog.text
    assert str(trouble) not in caplog.messages[-1]  # it may hold what nobody should read
