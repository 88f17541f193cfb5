"""The front's side of the door to the emulator."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Any

import httpx

from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid_query, not_found

Resource = dict[str, Any]
Key = tuple[str, str, str]

_PREFIX = re.compile(r"^(Query execution failed: )?([A-Za-z ]+ Error: )?")
_NOT_NULL = re.compile(r"NOT NULL constraint failed: (?P<table>[^.]+)\.(?P<column>\S+)")
_COLUMN = re.compile(r'Referenced column "(?P<name>[^"]+)" not found|does not have a column named "(?P<other>[^"]+)"')


class DoorError(Exception):
    """The emulator refused a statement.

    Attributes:
        kind: DuckDB's class of error.
        text: Its words.
    """

    def __init__(self, kind: str, text: str, reason: str, message: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self._reason = reason
        self._message = message

    @property
    def is_conflict(self) -> bool:
        """Two transactions touched the same rows, or the same table's definition."""
        return self.kind == "TransactionException"

    def as_bigquery(self) -> BigQueryError:
        """The same refusal in BigQuery's words; never a 5xx, which clients would retry for minutes."""
        if match := _NOT_NULL.search(self.text):
            return invalid_query(f"Required field {match['column']} cannot be null")
        if match := _COLUMN.search(self.text):
            return invalid_query(f"Unrecognized name: {match['name'] or match['other']}")
        message = _PREFIX.sub("", self._message).split("\n\nLINE ")[0]
        if self._reason == "notFound":
            return BigQueryError("notFound", message)
        if self._reason == "duplicate":
            return BigQueryError("duplicate", message)
        return invalid_query(message)


class Door:
    """Calls to the emulator.

    Args:
        url: Where the emulator answers.
    """

    def __init__(self, url: str) -> None:
        # Without a limit: a MERGE of a benchmark may take long, and the emulator is on this machine.
        self._rest = ""
        self._client = httpx.Client(base_url=url, timeout=None, limits=httpx.Limits(max_connections=200))  # noqa: S113

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(self, verb: str, **body: Any) -> dict[str, Any]:
        """Ask for something.

        Raises:
            DoorError: The emulator refused.
        """
        answer = self._client.post(f"/_door/{verb}", json=body)
        value: dict[str, Any] = answer.json()
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY and "kind" in value:
            raise DoorError(value["kind"], value["text"], value["reason"], value["message"])
        answer.raise_for_status()
        return value

    def table(self, key: Key) -> Resource | None:
        """The resource of a table; None if there is none."""
        found: Resource | None = self.call("table", key=list(key))["resource"]
        return found

    def pass_on(self, method: str, path: str, query: dict[str, str], body: bytes) -> httpx.Response:
        """Let the emulator answer a call itself."""
        headers = {"content-type": "application/json"}
        if not self._rest:
            self._rest = self.call("address")["rest"]
        return self._client.request(method, f"{self._rest}{path}", params=query, content=body, headers=headers)


class Session:
    """A transaction in the emulator: a snapshot from here to `commit`.

    Args:
        door: The way in.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._open = True
        self.name: str = door.call("begin")["session"]

    def run(
        self, project: str, sql: str, kind: str, parameters: Any = None, result: str | None = None
    ) -> dict[str, Any]:
        """Run one BigQuery statement; `kind` is `query`, `count` or `merge`."""
        return self._door.call(
            "run", session=self.name, project=project, sql=sql, kind=kind, parameters=parameters, result=result
        )

    def native(self, sql: str, values: list[Any] | None = None) -> list[list[Any]]:
        """Run one DuckDB statement of the front's own."""
        rows: list[list[Any]] = self._door.call("native", session=self.name, sql=sql, values=values)["rows"]
        return rows

    def change(self, action: str, **what: Any) -> dict[str, Any]:
        """Create, alter or drop a table, or append a file."""
        return self._door.call("change", session=self.name, action=action, **what)

    def commit(self, job: str, payload: str) -> None:
        """Make it durable, with the job's marker."""
        self._open = False
        self._door.call("end", session=self.name, commit=True, job=job, payload=payload)

    def rollback(self) -> None:
        """Undo everything; nothing after a commit."""
        if self._open:
            self._open = False
            self._door.call("end", session=self.name)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rollback()


def table_name(key: Key) -> str:
    """`project:dataset.table`, as BigQuery's messages write it."""
    return f"{key[0]}:{key[1]}.{key[2]}"


def duckdb_name(key: Key) -> str:
    """The table's name in the emulator's database."""
    return f'"{key[0]}__{key[1]}"."{key[2]}"'


def missing(key: Key) -> BigQueryError:
    """404 of a table."""
    return not_found("Table", table_name(key))
