"""What the strict front says of permissions: all, unless a fault says less."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import NotFound

from tests.testing.bigquery.warehouse import Warehouse

ASKED = ["bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.updateData"]


def permitted(warehouse: Warehouse, table: str = "t") -> list[str]:
    found = warehouse.client.test_iam_permissions(f"{warehouse.client.project}.{warehouse.dataset}.{table}", ASKED)
    assert isinstance(found, dict)
    return list(found.get("permissions", ()))


def test_what_is_asked_for_is_allowed_unless_it_is_denied(warehouse: Warehouse) -> None:
    warehouse.query("CREATE TABLE DATASET.t (k INT64)")
    warehouse.query("CREATE TABLE DATASET.u (k INT64)")
    assert permitted(warehouse) == ASKED
    name = f"{warehouse.dataset}/tables/t:"
    warehouse.local.faults.add("deny", path=name, message=r"bigquery\.tables\..*Data", times=0)
    try:
        assert permitted(warehouse) == ["bigquery.tables.get"]
        assert permitted(warehouse, "u") == ASKED
        warehouse.local.faults.add("deny", path=name, message=".*", times=0)
        assert permitted(warehouse) == []
    finally:
        warehouse.local.faults.clear()


def test_a_table_that_is_not_there_has_none(warehouse: Warehouse) -> None:
    with pytest.raises(NotFound):
        permitted(warehouse)
