"""Datasets and tables, as resources."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from typing import Any

import httpx

from airflow_kafka_bq.testing.bigquery.front.columns import check_evolution, check_layout, normal_fields
from airflow_kafka_bq.testing.bigquery.front.conflicts import ConflictError, Unit, Versions
from airflow_kafka_bq.testing.bigquery.front.door import Door, DoorError, Key, Resource, missing, table_name
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, already_exists, invalid, not_found

_OURS = frozenset(
    {"numRows", "numBytes", "etag", "creationTime", "lastModifiedTime", "id", "selfLink", "kind", "type", "location"}
)


def now_milliseconds() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def with_etag(resource: Resource) -> Resource:
    """The resource with an etag of what it says (not of its row count)."""
    told = {name: value for name, value in resource.items() if name not in {"etag", "numRows", "numBytes"}}
    return resource | {"etag": hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:24]}


class Catalog:
    """Datasets live in the emulator; tables in its database, in the transaction that changes them.

    Args:
        door: The way to the emulator.
        versions: Gives transactions.
    """

    def __init__(self, door: Door, versions: Versions) -> None:
        self._door = door
        self._versions = versions
        self._datasets: dict[tuple[str, str], Resource] = {}
        self._created = threading.Lock()
        self._last_created = 0

    def dataset(self, project: str, dataset: str) -> Resource:
        """A dataset.

        Raises:
            BigQueryError: 404.
        """
        known = self._datasets.get((project, dataset))
        if known is not None:
            return known
        answer = self._door.pass_on("GET", f"/bigquery/v2/projects/{project}/datasets/{dataset}", {}, b"")
        if answer.status_code != httpx.codes.OK:
            raise not_found("Dataset", f"{project}:{dataset}")
        self._datasets[project, dataset] = answer.json()
        return self._datasets[project, dataset]

    def forget_dataset(self, project: str, dataset: str) -> None:
        """Look it up again next time."""
        self._datasets.pop((project, dataset), None)

    def location(self, project: str, dataset: str) -> str:
        """Where a dataset lives."""
        return str(self.dataset(project, dataset).get("location") or "US")

    def find(self, key: Key) -> Resource | None:
        """A table; None if there is none, or if it has expired (then it is removed)."""
        resource = self._door.table(key)
        if resource is None:
            return None
        expires = resource.get("expirationTime")
        if expires is not None and int(expires) <= now_milliseconds():
            self._remove(key)
            return None
        return resource

    def get(self, key: Key) -> Resource:
        """A table.

        Raises:
            BigQueryError: 404 of the table or its dataset.
        """
        resource = self.find(key)
        if resource is None:
            self.dataset(key[0], key[1])
            raise missing(key)
        return resource

    def list(self, project: str, dataset: str) -> list[Resource]:
        """The tables of a dataset that have not expired."""
        self.dataset(project, dataset)
        alive = []
        for resource in self._door.call("tables", project=project, dataset=dataset)["resources"]:
            reference = resource["tableReference"]
            if self.find((project, dataset, reference["tableId"])) is not None:
                alive.append(resource)
        return alive

    def _remove(self, key: Key) -> None:
        unit = self._versions.begin(transaction=False)
        try:
            self.drop(unit, key)
            unit.commit("", "")
        except BigQueryError:
            # Somebody else removes it at the same moment.
            unit.rollback()

    def complete(self, key: Key, asked: Resource) -> Resource:
        """A new table's whole resource: normal schema, the dataset's default expiration, times, etag.

        Raises:
            BigQueryError: 400 or 404: the table cannot be like this, or its dataset is not there.
        """
        dataset = self.dataset(key[0], key[1])
        resource = {name: value for name, value in asked.items() if name not in _OURS and value is not None}
        resource["tableReference"] = {"projectId": key[0], "datasetId": key[1], "tableId": key[2]}
        resource["schema"] = {"fields": normal_fields(resource.get("schema", {}).get("fields", []))}
        check_layout(resource)
        created = self._creation_time()
        default = dataset.get("defaultTableExpirationMs")
        if default is not None and "expirationTime" not in resource:
            resource["expirationTime"] = str(created + int(default))
        if "expirationTime" in resource and int(resource["expirationTime"]) <= created:
            raise invalid("Invalid value for expirationTime: it must be in the future")
        resource |= {
            "kind": "bigquery#table",
            "type": "TABLE",
            "id": table_name(key),
            "location": self.location(key[0], key[1]),
            "creationTime": str(created),
            "lastModifiedTime": str(created),
            "numRows": "0",
            "numBytes": "0",
        }
        return with_etag(resource)

    def _creation_time(self) -> int:
        # A table that is dropped and made again within a millisecond must still be seen to be another one.
        with self._created:
            self._last_created = max(now_milliseconds(), self._last_created + 1)
            return self._last_created

    def create(self, unit: Unit, key: Key, asked: Resource) -> Resource:
        """Create a table in a transaction.

        Raises:
            BigQueryError: 409: it is there; 400, 404: see `complete`.
        """
        if self.find(key) is not None:
            raise already_exists("Table", table_name(key))
        resource = self.complete(key, asked)
        try:
            unit.session.change("create", resource=resource)
        except DoorError as error:
            raise already_exists("Table", table_name(key)) if error.is_conflict else error.as_bigquery() from error
        return resource

    def alter(self, unit: Unit, old: Resource, new: Resource, strict: bool = True) -> Resource:
        """Change a table in a transaction.

        Raises:
            BigQueryError: 400: the change is not allowed, or somebody else changes the table now.
        """
        new = {name: value for name, value in new.items() if value is not None}
        fields = normal_fields(new.get("schema", {}).get("fields", []))
        if strict:
            check_evolution(old.get("schema", {}).get("fields", []), fields)
        new |= {"schema": {"fields": fields}, "lastModifiedTime": str(now_milliseconds())}
        check_layout(new)
        new = with_etag(new)
        with unit.refusals(_key(new)):
            unit.session.change("alter", old=old, resource=new)
        return new

    def in_own_transaction(self, action: Any) -> Any:
        """Run `action(unit)` for a call to the API, and commit it.

        Raises:
            BigQueryError: What `action` raises; 412: somebody else changed the table at the same time.
        """
        unit = self._versions.begin(transaction=False)
        try:
            value = action(unit)
            unit.commit("", "")
        except ConflictError as error:
            unit.rollback()
            raise BigQueryError("conditionNotMet", "Precondition check failed.") from error
        except BaseException:
            unit.rollback()
            raise
        return value

    def drop(self, unit: Unit, key: Key) -> None:
        """Drop a table in a transaction.

        Raises:
            BigQueryError: Somebody else changes it now.
        """
        with unit.refusals(key):
            unit.session.change("drop", key=list(key))


def _key(resource: Resource) -> Key:
    reference = resource["tableReference"]
    return reference["projectId"], reference["datasetId"], reference["tableId"]
