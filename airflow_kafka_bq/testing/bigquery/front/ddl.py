"""DDL statements as changes of table resources: what the emulator forgets is kept there."""

from __future__ import annotations

import datetime
from typing import Any

from sqlglot import exp

from airflow_kafka_bq.testing.bigquery.front.catalog import Catalog, now_milliseconds
from airflow_kafka_bq.testing.bigquery.front.columns import field_of, widen
from airflow_kafka_bq.testing.bigquery.front.conflicts import Unit
from airflow_kafka_bq.testing.bigquery.front.door import Door, DoorError, Resource, missing, table_name
from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, already_exists, invalid_query
from airflow_kafka_bq.testing.bigquery.front.statements import Statement, key_of

_UNITS = {"HOUR": 3_600_000, "DAY": 86_400_000}


def run_ddl(catalog: Catalog, door: Door, unit: Unit, statement: Statement) -> str:
    """Carry out a DDL statement in a unit; returns `ddlOperationPerformed`.

    Raises:
        BigQueryError: It is refused.
    """
    if statement.kind in {"CREATE_TABLE", "CREATE_TABLE_AS_SELECT", "CREATE_SNAPSHOT_TABLE"}:
        return _create(catalog, door, unit, statement)
    if statement.kind == "DROP_TABLE":
        return _drop(catalog, unit, statement)
    return _alter(catalog, unit, statement)


def _create(catalog: Catalog, door: Door, unit: Unit, statement: Statement) -> str:
    key, tree = statement.target, statement.tree
    assert key is not None  # noqa: S101 - a CREATE TABLE has a target
    operation = "CREATE"
    if catalog.find(key) is not None:
        if tree.args.get("exists"):
            return "SKIP"
        if not tree.args.get("replace"):
            raise already_exists("Table", table_name(key))
        catalog.drop(unit, key)
        operation = "REPLACE"
    asked = table_of(tree)
    query, source = tree.args.get("expression"), tree.args.get("clone")
    if source is not None:
        origin = key_of(source.find(exp.Table))
        asked["schema"] = catalog.get(origin)["schema"]
        query = exp.select("*").from_(source.find(exp.Table).copy())
    elif query is not None and not asked["schema"]["fields"]:
        asked["schema"] = {"fields": _described(door, key[0], query)}
    resource = catalog.complete(key, asked)
    if statement.kind == "CREATE_SNAPSHOT_TABLE":
        resource["type"] = "SNAPSHOT"
    with unit.refusals(key):
        unit.session.change("create", resource=resource)
    if query is not None:
        _fill(unit, statement, resource, query)
    return operation


def _described(door: Door, project: str, query: exp.Expr) -> list[dict[str, Any]]:
    try:
        found = door.call("explain", project=project, sql=query.sql("bigquery"), describe=True)["schema"]
    except DoorError as error:
        raise error.as_bigquery() from error
    return list(found)


def _fill(unit: Unit, statement: Statement, resource: Resource, query: exp.Expr) -> None:
    assert statement.target is not None  # noqa: S101 - the caller's
    target = exp.table_(statement.target[2], statement.target[1], statement.target[0], quoted=True)
    names = ", ".join(f"`{field['name']}`" for field in resource["schema"]["fields"])
    sql = f"INSERT INTO {target.sql('bigquery')} ({names}) {query.sql('bigquery')}"
    with unit.refusals(statement.target):
        unit.session.run(statement.target[0], sql, "count")


def _drop(catalog: Catalog, unit: Unit, statement: Statement) -> str:
    key = statement.target
    assert key is not None  # noqa: S101 - a DROP TABLE has a target
    if catalog.find(key) is None:
        if statement.tree.args.get("exists"):
            return "SKIP"
        raise missing(key)
    catalog.drop(unit, key)
    return "DROP"


def table_of(tree: exp.Expr) -> Resource:
    """The table resource that a CREATE TABLE describes.

    Raises:
        BigQueryError: 400: an option or type is unknown.
    """
    columns = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    resource: Resource = {"schema": {"fields": [_column(part) for part in columns if isinstance(part, exp.ColumnDef)]}}
    properties = tree.args.get("properties")
    for part in properties.expressions if properties else []:
        if isinstance(part, exp.PartitionedByProperty):
            resource |= _partitioning(part.this)
        elif isinstance(part, exp.ClusterProperty):
            resource["clustering"] = {"fields": [column.name for column in part.expressions]}
        elif type(part) is exp.Property:
            _option(resource, part.name, part.args.get("value"))
        else:
            raise invalid_query(f"The strict front does not play this clause: {part.sql('bigquery')}")
    return resource


def _column(part: exp.ColumnDef) -> dict[str, Any]:
    if part.kind is None:
        raise invalid_query(f"Column {part.name} has no type")
    field = field_of(part.name, part.kind)
    for constraint in part.constraints:
        if isinstance(constraint.kind, exp.NotNullColumnConstraint) and not constraint.kind.args.get("allow_null"):
            field["mode"] = "REQUIRED"
        for option in constraint.find_all(exp.Property):
            if option.name.lower() == "description":
                field["description"] = option.args["value"].name
    return field


def _partitioning(by: exp.Expr) -> Resource:
    column = by.find(exp.Column, exp.Identifier)
    if column is None:
        raise invalid_query("PARTITION BY must name a column")
    if isinstance(by, exp.RangeBucket):
        numbers = by.args["expression"]
        ends = {name: str(numbers.args[part].to_py()) for name, part in _ENDS.items()}
        return {"rangePartitioning": {"field": column.name, "range": ends}}
    granularity = by.args.get("unit")
    found = {"type": granularity.name.upper() if granularity is not None else "DAY"}
    by_ingestion = column.name.upper() in {"_PARTITIONDATE", "_PARTITIONTIME"}
    return {"timePartitioning": found if by_ingestion else found | {"field": column.name}}


_ENDS = {"start": "start", "end": "end", "interval": "step"}


def _option(resource: Resource, name: str, value: exp.Expr | None) -> None:
    key = name.lower()
    if key == "expiration_timestamp":
        resource["expirationTime"] = None if isinstance(value, exp.Null) else str(_instant(value))
    elif key in {"description", "friendly_name"}:
        resource["friendlyName" if key == "friendly_name" else key] = value.name if value is not None else None
    elif key == "require_partition_filter":
        resource["requirePartitionFilter"] = isinstance(value, exp.Boolean) and bool(value.this)
    elif key == "partition_expiration_days":
        days = float(value.name) if value is not None else 0.0
        resource.setdefault("timePartitioning", {})["expirationMs"] = str(int(days * _UNITS["DAY"]))
    elif key == "labels":
        resource["labels"] = _labels(value)
    elif key == "kms_key_name":
        resource["encryptionConfiguration"] = {"kmsKeyName": value.name if value is not None else None}
    else:
        raise invalid_query(f"Unknown option: {name}")


def _labels(value: exp.Expr | None) -> dict[str, str]:
    pairs = value.expressions if value is not None else []
    return {pair.expressions[0].name: pair.expressions[1].name for pair in pairs}


def _instant(value: exp.Expr | None) -> int:
    """Milliseconds since 1970 of a TIMESTAMP literal or of TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL n unit)."""
    if isinstance(value, exp.TimestampAdd | exp.TsOrDsAdd | exp.DateAdd) and value.find(exp.CurrentTimestamp):
        unit = value.args["unit"].name.upper().rstrip("S")
        steps = {"SECOND": 1000, "MINUTE": 60_000} | _UNITS
        return now_milliseconds() + int(value.expression.name) * steps[unit]
    literal = value.find(exp.Literal) if value is not None else None
    if literal is None:
        raise invalid_query("expiration_timestamp must be a TIMESTAMP literal or TIMESTAMP_ADD(CURRENT_TIMESTAMP(), …)")
    moment = datetime.datetime.fromisoformat(literal.name.replace(" UTC", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return int(moment.timestamp() * 1000)


def _alter(catalog: Catalog, unit: Unit, statement: Statement) -> str:
    key, tree = statement.target, statement.tree
    assert key is not None  # noqa: S101 - an ALTER TABLE has a target
    if catalog.find(key) is None and tree.args.get("exists"):
        return "SKIP"
    old = catalog.get(key)
    new = old | {"schema": {"fields": [dict(field) for field in old["schema"]["fields"]]}}
    for action in tree.args["actions"]:
        _apply(new, action, table_name(key))
    catalog.alter(unit, old, new, strict=False)
    return "ALTER"


def _apply(resource: Resource, action: exp.Expr, table: str) -> None:
    fields = resource["schema"]["fields"]
    if isinstance(action, exp.ColumnDef):
        _add_column(fields, action, table)
    elif isinstance(action, exp.AlterColumn):
        _alter_column(fields, action)
    elif isinstance(action, exp.Drop):
        _drop_column(fields, action)
    elif isinstance(action, exp.AlterSet):
        for part in action.find_all(exp.Property):
            _option(resource, part.name, part.args.get("value"))
    else:
        raise invalid_query(f"The strict front does not play this change of a table: {action.sql('bigquery')}")


def _add_column(fields: list[dict[str, Any]], action: exp.ColumnDef, table: str) -> None:
    field = _column(action)
    if any(known["name"].lower() == field["name"].lower() for known in fields):
        if action.args.get("exists"):
            return
        raise invalid_query(f"Column already exists: {field['name']}")
    if field["mode"] == "REQUIRED":
        raise invalid_query(f"Cannot add required columns to an existing table {table}: {field['name']}")
    fields.append(field)


def _drop_column(fields: list[dict[str, Any]], action: exp.Drop) -> None:
    column = action.this or action.args["tables"][0]  # where it stands differs with the version of the parser
    if not action.args.get("exists") and all(field["name"].lower() != column.name.lower() for field in fields):
        raise invalid_query(f"Column not found: {column.name}")
    fields[:] = [field for field in fields if field["name"].lower() != column.name.lower()]


def _alter_column(fields: list[dict[str, Any]], action: exp.AlterColumn) -> None:
    found = [field for field in fields if field["name"].lower() == action.this.name.lower()]
    if not found and action.args.get("exists"):
        return
    if not found:
        raise invalid_query(f"Column not found: {action.this.name}")
    if action.args.get("drop") and action.args.get("allow_null"):
        found[0]["mode"] = "NULLABLE" if found[0]["mode"] == "REQUIRED" else found[0]["mode"]
        return
    if (kind := action.args.get("dtype")) is not None:
        widen(found[0], field_of(found[0]["name"], kind))
        return
    raise BigQueryError(
        "invalidQuery", f"The strict front does not play this change of a column: {action.sql('bigquery')}"
    )
