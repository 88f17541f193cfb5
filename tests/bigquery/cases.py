"""The statements of every mode: a name, the text, and the tables that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from airflow_kafka_bq.batch import DEAD_LETTER_SCHEMA, Kind, LedgerRow, Position, Staged, StagedTable
from airflow_kafka_bq.bigquery import comparing, ddl, ledger, offsets, sql
from airflow_kafka_bq.bigquery.conversion import quoted, wire_type
from airflow_kafka_bq.bigquery.fields import staged_fields
from airflow_kafka_bq.config.partitioning import Partitioning
from airflow_kafka_bq.config.values import TableId
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.target import TableFacts, Target
from tests.bigquery.letter_cases import letter_statements
from tests.bigquery.several import several
from tests.bigquery.targets import (
    CONTEXT,
    FIELDS,
    JOB,
    PIPELINE,
    TABLE,
    TOPIC,
    TYPES,
    keep,
    payload,
    spec,
    staged,
    staging_tables,
    update,
)

DAY = Column("day", "DATE")
AT = Column("created_at", "TIMESTAMP")
LOCAL = Column("created_local", "DATETIME")
FIRST = {"order_id": "a-1", "sequence": 1, "total": Decimal("9.90")}
SECOND = {"order_id": "b-2", "sequence": 2, "_kafka_partition": 3}
GONE = {"order_id": "c-3", "_tombstone": True}
ROW = LedgerRow(
    PIPELINE, TOPIC, "topic-id-1", "cluster-1", "kafka-bq.shop.orders", 4, None, None,
    {0: Position(12, 1), 3: Position(7)}, "2026-01-01T00:00:00.123+00:00", "airflow shop.orders",
)  # fmt: skip
# A column may be called what our statements call their own things.
AWKWARD = tuple(Column(name, "STRING") for name in ("T", "S", "R", "select", "one", "e0", "order", "partition"))


@dataclass(frozen=True)
class Case:
    """One golden file."""

    name: str
    text: str
    tables: tuple[str, ...]


def tables_of(target: Target, staged_batch: Staged | None = None) -> tuple[str, ...]:
    """``CREATE TABLE`` of all that a batch's statements name."""
    found = [ddl.create_target(target), ddl.create_ledger(target), ddl.create_history(target)]
    found.append(ddl.create_dead_letters(target))
    if target.delete:
        found.append(ddl.create_deletes(target))
    rows = [f"{quoted(one.name)} {wire_type(one)}" for one in sql.staged_columns(target)]
    rows += ["_tombstone BOOL", "_row INT64"]
    letters = [f"{one.name} {_field_type(one)}" for one in staged_fields(DEAD_LETTER_SCHEMA)] + ["_row INT64"]
    staging = ((staged_batch.rows_tables, rows), (staged_batch.dead_letters_tables, letters)) if staged_batch else ()
    for tables, columns in staging:
        found += [f"CREATE TABLE {TableId.parse(one.table).quoted} ({', '.join(columns)})" for one in tables]
    return tuple(found)


def _field_type(field: Any) -> str:
    inner = field.field_type
    if field.fields:
        inner = f"STRUCT<{', '.join(f'{one.name} {_field_type(one)}' for one in field.fields)}>"
    return f"ARRAY<{inner}>" if field.mode == "REPEATED" else str(inner)


def script(name: str, target: Target, batch: Staged, **other: Any) -> Case:
    """The whole transaction of a batch."""
    found = spec(target, batch, **other)
    return Case(name, sql.script(found, JOB), tables_of(target, batch))


def modes() -> Iterator[Case]:
    """Whole scripts, one for each way to merge."""
    yield script("coordinates_json", payload(), staged(payload(), {}, {"_kafka_partition": 3}))
    for kind in ("string", "bytes"):
        yield script(f"coordinates_{kind}", payload(kind, "string"), staged(payload(kind, "string"), {}))
    yield script("keep", keep(), staged(keep(), FIRST, SECOND))
    yield script("keep_two_keys", keep(key=("order_id", "sequence")), staged(keep(key=("order_id", "sequence")), FIRST))
    bare = replace(keep(partitioning=None), columns=FIELDS)
    yield script("keep_without_kafka_columns", bare, _without_kafka(bare))
    yield script("update", update(), staged(update(), FIRST))
    versioned = update("updated_at", "sequence")
    yield script("update_by_version", versioned, staged(versioned, FIRST, SECOND))
    for name, version in (("soft_delete", ()), ("soft_delete_by_version", ("sequence",))):
        target = update(*version, soft_delete=True)
        for part, rows in (("rows", [FIRST]), ("tombstones", [GONE]), ("both", [FIRST, SECOND, GONE])):
            yield script(f"{name}_{part}", target, staged(target, *rows))
    for name, names in {"delete": (), "delete_by_version": ("updated_at", "sequence")}.items():
        target = update(*names, delete=True, delete_expiration_days=90)
        for part, rows in (("rows", [FIRST]), ("tombstones", [GONE]), ("both", [FIRST, SECOND, GONE])):
            yield script(f"{name}_{part}", target, staged(target, *rows))
    removed = update("sequence", delete=True, delete_expiration_days=90, key=("order_id", "_kafka_partition"))
    yield script("delete_in_a_window", removed, staged(removed, FIRST, GONE), positions=None)
    yield script("no_fence", payload(), staged(payload(), {}, dead=1), revision=None)
    yield script("isolated_window", payload(), staged(payload(), {}), positions=None)
    yield script("dead_letters_only", payload(), staged(payload(), dead=2))
    yield script("dead_letters_too", update(soft_delete=True), staged(update(soft_delete=True), FIRST, GONE, dead=1))
    for name, target, rows in (("redrive", keep(), [FIRST]), ("redrive_nothing_but_letters", payload(), [])):
        batch = replace(staged(target, *rows, dead=2), kind=Kind.REDRIVE, messages=3)
        yield script(name, target, batch, positions=None)
    yield script("ledger_move_only", payload(), staged(payload()))
    for name, target, batch in several():
        yield script(f"together_{name}", target, batch)
    awkward = keep(*AWKWARD, key=("T", "S", "select"), cluster_by=("T",))
    yield script("awkward_names", awkward, staged(awkward, {name.name: "x" for name in AWKWARD}))
    types = keep(*TYPES)
    yield script("conversions", types, staged(types, {"id": 1}))
    keys = keep(Column("at", "DATETIME"), Column("n", "BIGNUMERIC"), Column("t", "TIME"), key=("at", "n", "t"))
    yield script("converted_keys", keys, staged(keys, {"at": "2026-01-31T00:00:00", "n": "1", "t": "00:00:00"}))


def _without_kafka(target: Target) -> Staged:
    """Rows of a target without coordinates."""
    whole = staged(keep(partitioning=None), FIRST)
    return replace(whole, rows_tables=staging_tables(target, "rows", 1))


def bounds() -> Iterator[Case]:
    """The MERGE under every kind of literal bound."""
    moments: dict[str, tuple[Column, list[Any]]] = {
        "timestamp": (AT, [datetime(2026, 1, 31, 23, 30, tzinfo=UTC), datetime(2026, 2, 1, 0, 30, tzinfo=UTC)]),
        "date": (DAY, [date(2026, 1, 31), date(2026, 2, 1), date(2027, 3, 1)]),
        "datetime": (LOCAL, ["2026-01-31T23:30:00", "2026-02-01T00:30:00", "2027-12-31T00:00:00"]),
    }
    for name, (column, values) in moments.items():
        for grain in ("hour", "day", "month", "year"):
            if (name, grain) != ("date", "hour"):
                yield _immutable(f"immutable_{name}_{grain}", column, grain, values)
    yield _immutable("null_partition", AT, "day", [datetime(2026, 1, 31, tzinfo=UTC), None])
    yield _immutable("null_partition_only", AT, "day", [None])
    days = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=2 * number) for number in range(130)]
    yield _immutable("many_disjoint_days", AT, "day", days)
    yield _immutable("last_day_of_all", DAY, "day", [date(9999, 12, 31)])
    keyed = keep(*FIELDS, AT, key=("order_id", "created_at"), partitioning=Partitioning("created_at"), immutable=True)
    yield script("partition_column_in_key", keyed, staged(keyed, FIRST | {"created_at": days[0]}))
    nearby = {"partitioning": Partitioning("day"), "cluster_by": (), "dedup_window": timedelta(days=1.5)}
    few, ends = [date(2026, 1, 10), date(2026, 1, 13), date(2026, 2, 1)], [date(1, 1, 1), date(9999, 12, 31)]
    for name, values in (("few", few), ("ends", ends)):
        target = keep(*FIELDS, DAY, **nearby)
        yield script(f"dedup_window_{name}", target, staged(target, *[{"order_id": "a", "day": one} for one in values]))
    yield from _clustered()


def _immutable(name: str, column: Column, grain: Any, values: list[Any]) -> Case:
    target = keep(*FIELDS, column, partitioning=Partitioning(column.name, grain), immutable=True, cluster_by=())
    rows = [{"order_id": f"{number}", column.name: value} for number, value in enumerate(values)]
    return script(name, target, staged(target, *rows))


def _clustered() -> Iterator[Case]:
    columns: dict[str, tuple[Column, Callable[[int], Any]]] = {
        "string": (Column("k", "STRING"), lambda number: f"it's `{number:02}`"),
        "int64": (Column("k", "INT64"), lambda number: number - 2**63),
        "numeric": (Column("k", "NUMERIC"), lambda number: Decimal(f"-{10**28 - number}.{number:09}")),
        "date": (Column("k", "DATE"), lambda number: date(1, 1, 1) + timedelta(days=number)),
        "bool": (Column("k", "BOOL"), lambda number: number % 2 == 0),
        "timestamp": (Column("k", "TIMESTAMP"), lambda number: datetime(1970, 1, 1, 0, 0, 0, number, tzinfo=UTC)),
    }
    for name, (column, value) in columns.items():
        target = keep(column, cluster_by=("k",), partitioning=None)
        for amount, count in (("few", 3), ("many", 30)):
            yield script(
                f"cluster_{name}_{amount}", target, staged(target, *[{"k": value(one)} for one in range(count)])
            )


def definitions() -> Iterator[Case]:
    """Tables: created, altered."""
    options = {
        "expiration_hours": 36.5, "partition_expiration_days": 90, "require_partition_filter": True,
        "description": "It's\nthe `orders`; -- all of them", "labels": {"team": "shop"},
    }  # fmt: skip
    dressed = replace(
        keep(*TYPES), options=options, labels={"env": "test"},
        kms_key_name="projects/demo/locations/eu/keyRings/ring/cryptoKeys/key",
    )  # fmt: skip
    yield Case("create_payload", ddl.create_target(payload()), ())
    yield Case("create_with_all_options", ddl.create_target(dressed), ())
    yield Case("create_plain", ddl.create_target(keep(partitioning=None, cluster_by=())), ())
    elsewhere = replace(dressed, companion_dataset="other-project.companions")
    companions = [ddl.create_ledger, ddl.create_history, ddl.create_dead_letters]
    removing = update("sequence", delete=True, delete_expiration_days=90)
    yield Case("create_deletes", ddl.create_deletes(removing), ())
    hidden = replace(removing, companion_dataset="other-project.companions", kms_key_name=dressed.kms_key_name)
    yield Case("create_deletes_elsewhere", ddl.create_deletes(hidden), ())
    yield Case("create_companions", ";\n".join(create(payload()) for create in companions), ())
    yield Case("create_companions_elsewhere", ";\n".join(create(elsewhere) for create in companions), ())
    grown = update("sequence", soft_delete=True)
    added = ddl.add_columns(grown, ("order_id", "total", "_kafka_headers", "_deleted_at"))
    yield Case("add_columns", added, tables_of(keep()))
    yield Case("add_nested_columns", ddl.add_columns(keep(*TYPES), ("lines", "mixed", "j")), tables_of(keep()))
    yield Case("relax", ddl.relax(keep(), "order_id"), tables_of(keep()))
    yield Case("widen", ddl.widen(keep(), Column("sequence", "NUMERIC")), tables_of(keep()))


def bookkeeping() -> Iterator[Case]:
    """Ledger, history, probe, preview."""
    target = payload()
    unknown = replace(ROW, topic_id=None, cluster_id=None, group_id=None, updated_by=None, target_created_at=None)
    filtered = TableFacts(target.columns, "2026-01-01", 1, target.partitioning, require_partition_filter=True)
    found = {
        "ledger_select": ledger.select(target, PIPELINE),
        "register": ledger.register(target, ROW),
        "register_unknown": ledger.register(target, replace(unknown, positions={})),
        "place": ledger.place(target, ROW),
        "place_over": ledger.place_over(target, ROW, staged(target).ranges),
        "place_by": ledger.place_over(target, ROW, (), CONTEXT),
        "placed_by": ledger.placed_by(target, PIPELINE, CONTEXT),
        "place_unknown": ledger.place(target, unknown),
        "applied": ledger.applied(target, "0123456789abcdef0123", 18),
        "recent": ledger.recent(target, datetime(2026, 1, 30, 6, tzinfo=UTC)),
        "first_read": offsets.first_read(target, PIPELINE),
        "highest": offsets.highest(target, filtered, TOPIC),
    }
    for name, text in (found | letter_statements(target)).items():
        yield Case(name, text, tables_of(target))
    for name, one in {"keep": keep(), "update": update("sequence"), "delete": update("sequence", delete=True)}.items():
        yield Case(f"absent_{name}", comparing.absent(spec(one, at := staged(one, {"id": 1})), 10), tables_of(one, at))
    types, removed = keep(*TYPES), update("sequence", delete=True, delete_expiration_days=90)
    batch = staged(types, {"id": 1})
    yield Case("probe", sql.probe(spec(types, batch), 0, 499), tables_of(types, batch))
    marked = update("sequence", soft_delete=True)
    for name, one in (("payload", payload()), ("conversions", types), ("update", marked), ("delete", removed)):
        yield Case(f"empty_source_{name}", sql.with_empty_source(_unstaged(one)), tables_of(one))


def _unstaged(target: Target) -> MergeSpec:
    return spec(target, replace(staged(target), rows=1, rows_tables=(StagedTable(str(target.staging("preview")), 1),)))


def wide() -> MergeSpec:
    """A topic with very many partitions, and names of every length."""
    target = replace(payload(), table=TableId(TABLE.project, "d" * 300, "t" * 900))
    batch = staged(target, *[{"_kafka_partition": one} for one in range(4000)], dead=1)
    ranges = tuple(replace(batch.ranges[0], partition=one, end_offset=2**62) for one in range(4000))
    return spec(target, replace(batch, ranges=ranges), positions=dict.fromkeys(range(4000), Position(2**62, 2**31 - 1)))


CASES = (modes, bounds, definitions, bookkeeping)
