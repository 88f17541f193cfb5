"""Calls about tables and datasets."""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq.testing.bigquery.front.catalog import Catalog
from airflow_kafka_bq.testing.bigquery.front.conflicts import Unit
from airflow_kafka_bq.testing.bigquery.front.door import Door, Key, Resource
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid
from airflow_kafka_bq.testing.bigquery.front.http import Request, Response, Router

_PAGE_ROWS = 20_000
_LISTED = (
    "kind",
    "id",
    "tableReference",
    "type",
    "creationTime",
    "expirationTime",
    "labels",
    "timePartitioning",
    "rangePartitioning",
    "clustering",
)


class Tables:
    """Answers them.

    Args:
        catalog: The tables.
        door: The way to the emulator.
    """

    def __init__(self, catalog: Catalog, door: Door) -> None:
        self._catalog = catalog
        self._door = door

    def add_to(self, router: Router, api: str) -> None:
        """Register the calls."""
        datasets = f"{api}/datasets"
        tables = f"{datasets}/{{dataset}}/tables"
        table = f"{tables}/{{table}}"
        router.add("GET", datasets, "datasets.list", self._dataset)
        router.add("POST", datasets, "datasets.insert", self._dataset)
        for method, name in (("GET", "get"), ("PATCH", "patch"), ("PUT", "update")):
            router.add(method, f"{datasets}/{{dataset}}", f"datasets.{name}", self._dataset)
        router.add("DELETE", f"{datasets}/{{dataset}}", "datasets.delete", self._delete_dataset)
        router.add("GET", tables, "tables.list", self._list)
        router.add("POST", tables, "tables.insert", self._insert)
        router.add("GET", table, "tables.get", self._get)
        router.add("PATCH", table, "tables.patch", self._patch)
        router.add("PUT", table, "tables.update", self._update)
        router.add("DELETE", table, "tables.delete", self._delete)
        router.add("POST", f"{table}:testIamPermissions", "tables.testIamPermissions", self._permitted)
        router.add("GET", f"{table}/data", "tabledata.list", self._rows)

    def _dataset(self, request: Request, project: str, dataset: str | None = None) -> Response:
        answer = self._door.pass_on(request.method, request.path, request.query, request.body)
        if dataset:
            self._catalog.forget_dataset(project, dataset)
        if answer.status_code >= 500:
            raise invalid(answer.text[:500])
        return Response(answer.status_code, answer.json() if answer.content else None)

    def _delete_dataset(self, request: Request, project: str, dataset: str) -> Response:
        tables = self._catalog.list(project, dataset)
        if tables and request.query.get("deleteContents", "").lower() != "true":
            raise BigQueryError("resourceInUse", f"Dataset {project}:{dataset} is still in use")
        for table in tables:
            key = (project, dataset, table["tableReference"]["tableId"])
            self._catalog.in_own_transaction(lambda unit, key=key: self._catalog.drop(unit, key))
        return self._dataset(request, project, dataset)

    def _list(self, request: Request, project: str, dataset: str) -> Response:
        tables = self._catalog.list(project, dataset)
        start, limit = int(request.query.get("pageToken") or 0), int(request.query.get("maxResults") or 1000)
        page = [{name: table[name] for name in _LISTED if name in table} for table in tables[start : start + limit]]
        token = {"nextPageToken": str(start + limit)} if start + limit < len(tables) else {}
        return Response(200, {"kind": "bigquery#tableList", "tables": page, "totalItems": len(tables)} | token)

    def _insert(self, request: Request, project: str, dataset: str) -> Response:
        body = request.json()
        table = (body.get("tableReference") or {}).get("tableId")
        if not table:
            raise invalid("Required parameter is missing: tableId")
        key = (project, dataset, table)
        return Response(200, self._catalog.in_own_transaction(lambda unit: self._catalog.create(unit, key, body)))

    def _get(self, request: Request, project: str, dataset: str, table: str) -> Response:  # noqa: ARG002
        return Response(200, self._catalog.get((project, dataset, table)))

    def _permitted(self, request: Request, project: str, dataset: str, table: str) -> Response:
        """All that is asked for: whoever gets here may do everything, unless a fault of action `deny` says less."""
        asked = request.json().get("permissions")
        if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
            raise invalid("permissions: a list of names was expected")
        self._catalog.get((project, dataset, table))
        return Response(200, {"permissions": asked} if asked else {})

    def _patch(self, request: Request, project: str, dataset: str, table: str) -> Response:
        return self._change(request, (project, dataset, table), request.json())

    def _update(self, request: Request, project: str, dataset: str, table: str) -> Response:
        return self._change(request, (project, dataset, table), request.json())

    def _change(self, request: Request, key: Key, body: dict[str, Any]) -> Response:
        expected = request.headers.get("if-match")
        fixed = {
            "tableReference",
            "creationTime",
            "etag",
            "id",
            "kind",
            "numRows",
            "numBytes",
            "type",
            "lastModifiedTime",
        }

        def change(unit: Unit) -> Resource:
            # Read behind the snapshot: what was changed since conflicts, and is not taken for the table as it was.
            old = self._catalog.get(key)
            if expected not in {None, "*", old["etag"]}:
                raise BigQueryError("conditionNotMet", "Precondition Failed: the table's etag has changed")
            new: Resource = old | {name: value for name, value in body.items() if name not in fixed}
            return self._catalog.alter(unit, old, new) | {"numRows": old["numRows"]}

        return Response(200, self._catalog.in_own_transaction(change))

    def _delete(self, request: Request, project: str, dataset: str, table: str) -> Response:  # noqa: ARG002
        key = (project, dataset, table)
        self._catalog.get(key)
        self._catalog.in_own_transaction(lambda unit: self._catalog.drop(unit, key))
        return Response(204, None)

    def _rows(self, request: Request, project: str, dataset: str, table: str) -> Response:
        key = (project, dataset, table)
        resource = self._catalog.get(key)
        names = [field["name"] for field in resource["schema"]["fields"]]
        chosen = request.query.get("selectedFields")
        if chosen:
            names = [name for name in names if name in chosen.split(",")]
        start = int(request.query.get("pageToken") or request.query.get("startIndex") or 0)
        limit = int(request.query.get("maxResults") or _PAGE_ROWS)
        found = self._door.call("table_rows", key=list(key), columns=names, start=start, limit=limit)
        after = start + len(found["rows"])
        token = {"pageToken": str(after)} if found["rows"] and after < found["total_rows"] else {}
        rows = {"rows": found["rows"]} if found["rows"] else {}
        return Response(200, {"kind": "bigquery#tableDataList", "totalRows": str(found["total_rows"])} | rows | token)
