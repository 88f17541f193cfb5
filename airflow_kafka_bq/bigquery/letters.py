"""The dead-letter table: what a batch writes to it, and how its messages are read for a redrive and marked by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow_kafka_bq.batch import REDRIVEN, LetterPlace
from airflow_kafka_bq.bigquery.bounded import bounded
from airflow_kafka_bq.bigquery.literals import literal, text
from airflow_kafka_bq.bigquery.staging import union
from airflow_kafka_bq.config.letters import LOST, LetterSelection
from airflow_kafka_bq.config.rules import COORDINATES
from airflow_kafka_bq.ports import MergeSpec
from airflow_kafka_bq.schema.target import Target

MOVED = "kafka-bq: dead letters moved"
_WHERE = COORDINATES[1:]
_WHY = ("stage", "reason", "error", "schema_id")
_REST = ("_kafka_key", "_kafka_value", "_kafka_headers", "_kafka_end_offset", *_WHY)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNREDRIVEN = f"T.`redriven_at` IS NULL AND T.`stage` != {text(LOST)}"


def _quoted(names: tuple[str, ...], before: str = "") -> str:
    return ", ".join(f"{before}`{name}`" for name in names)


def _staging(spec: MergeSpec) -> str:
    return union(spec.staged.dead_letters_tables)


def _same(spec: MergeSpec) -> str:
    """Equal coordinates, within the literal bounds of the batch."""
    bounds = (bounded(one, half_open=one.column == "_kafka_timestamp") for one in spec.staged.dead_letter_bounds)
    return "\n  AND ".join([*(f"T.`{name}` = S.`{name}`" for name in COORDINATES), *bounds])


def _failed_again(spec: MergeSpec) -> str:
    reasons = ", ".join(f"`{name}` = S.`{name}`" for name in _WHY)
    return f"UPDATE SET {reasons}, `batch_id` = {text(spec.staged.batch_id)}, `failed_at` = CURRENT_TIMESTAMP()"


# MERGE `p.d.t__dead_letters` T USING (SELECT '…' AS _kafka_topic, … FROM staging QUALIFY …) S
# ON <coordinates> AND <literal bounds>
# WHEN MATCHED AND T.`redriven_at` IS NOT NULL THEN UPDATE SET …, `redriven_at` = NULL
# WHEN NOT MATCHED THEN INSERT (…) VALUES (…)
def kept(spec: MergeSpec) -> str:
    """Once per coordinates, whoever reads them again; a range that is lost also has an end, which may grow.

    A message that was redriven, and fails when it is read again, waits once more: into a target that was made anew, the
    row of its redrive did not come along.
    """
    where, rest = _quoted(_WHERE), _quoted(_REST)
    source = (
        f"SELECT {text(spec.topic)} AS `_kafka_topic`, {where}, {rest}\n"
        f"  FROM {_staging(spec)}\n  WHERE TRUE\n"
        f"  QUALIFY ROW_NUMBER() OVER (PARTITION BY {where}, `_kafka_end_offset` ORDER BY `_row`) = 1"
    )
    ends = (
        "(T.`_kafka_end_offset` = S.`_kafka_end_offset` OR (T.`_kafka_end_offset` IS NULL AND "
        "S.`_kafka_end_offset` IS NULL))"
    )
    return (
        f"MERGE {spec.target.dead_letters.quoted} T\nUSING (\n  {source}\n) S\nON {_same(spec)}\n  AND {ends}\n"
        f"WHEN MATCHED AND T.`redriven_at` IS NOT NULL THEN {_failed_again(spec)}, `redriven_at` = NULL\n"
        f"WHEN NOT MATCHED THEN INSERT (`_kafka_topic`, {where}, {rest}, `batch_id`, `failed_at`) "
        f"VALUES ({_quoted((*COORDINATES, *_REST), 'S.')}, {text(spec.staged.batch_id)}, CURRENT_TIMESTAMP())"
    )


# MERGE `p.d.t__dead_letters` T USING (SELECT …, `stage`, `reason`, `error`, `schema_id` FROM staging) S
# ON <coordinates> AND <literal bounds>
# WHEN MATCHED AND <it waits> AND S.`stage` = 'redriven' THEN UPDATE SET `redriven_at` = CURRENT_TIMESTAMP()
# WHEN MATCHED AND <it waits> THEN UPDATE SET `stage` = S.`stage`, …, `failed_at` = CURRENT_TIMESTAMP()
def redriven(spec: MergeSpec) -> str:
    """Mark what is a row now, or is left out on purpose; of what failed again, write down why."""
    return (
        f"MERGE {spec.target.dead_letters.quoted} T\nUSING (\n  {_outcomes(spec)}\n) S\n"
        f"ON {_same(spec)}\n"
        f"WHEN MATCHED AND {UNREDRIVEN} AND S.`stage` = {text(REDRIVEN)} "
        "THEN UPDATE SET `redriven_at` = CURRENT_TIMESTAMP()\n"
        f"WHEN MATCHED AND {UNREDRIVEN} THEN {_failed_again(spec)}"
    )


def waiting(spec: MergeSpec) -> str:
    """FROM clause of the batch's letters that still wait: fewer than were read, and another redrive was faster."""
    return (
        f"{spec.target.dead_letters.quoted} AS T JOIN ({_outcomes(spec)}) AS S\n  ON {_same(spec)}\n  AND {UNREDRIVEN}"
    )


def _outcomes(spec: MergeSpec) -> str:
    return f"SELECT {text(spec.topic)} AS `_kafka_topic`, {_quoted((*_WHERE, *_WHY))} FROM {_staging(spec)}"


# SELECT `_kafka_partition` AS `partition`, …, `stage`, `reason` FROM `p.d.t__dead_letters` AS T
# WHERE T.`_kafka_topic` = '…' AND T.`redriven_at` IS NULL AND T.`stage` != 'lost' AND …
# ORDER BY T.`_kafka_timestamp`, T.`_kafka_partition`, T.`_kafka_offset` LIMIT 500000
def select(target: Target, topic: str, wanted: LetterSelection, after: LetterPlace | None, most: int) -> str:
    """The letters behind ``after``, oldest message first: the table's partitions that were read are not read again."""
    columns = {
        "partition": "T.`_kafka_partition`",
        "offset": "T.`_kafka_offset`",
        "timestamp_ms": "UNIX_MILLIS(T.`_kafka_timestamp`)",
        "key": "T.`_kafka_key`",
        "value": "T.`_kafka_value`",
        "headers": "T.`_kafka_headers`",
        "stage": "T.`stage`",
        "reason": "T.`reason`",
    }
    listed = ", ".join(f"{expression} AS `{name}`" for name, expression in columns.items())
    where = "\n  AND ".join([f"T.`_kafka_topic` = {text(topic)}", UNREDRIVEN, *_chosen(wanted), *_behind(after)])
    return (
        f"SELECT {listed}\nFROM {target.dead_letters.quoted} AS T\nWHERE {where}\n"
        f"ORDER BY T.`_kafka_timestamp`, T.`_kafka_partition`, T.`_kafka_offset`\nLIMIT {most}"
    )


def _chosen(wanted: LetterSelection) -> list[str]:
    found = []
    if wanted.since:
        found.append(f"T.`failed_at` >= {literal(wanted.since)}")
    if wanted.until:
        found.append(f"T.`failed_at` < {literal(wanted.until)}")
    for name, values in (("stage", wanted.stage), ("reason", wanted.reason)):
        if values:
            found.append(f"T.`{name}` IN ({', '.join(map(text, values))})")
    return found


def _behind(after: LetterPlace | None) -> list[str]:
    if after is None:
        return []
    moment = literal(_EPOCH + timedelta(milliseconds=after.timestamp_ms))
    later = (
        f"T.`_kafka_partition` > {after.partition} "
        f"OR (T.`_kafka_partition` = {after.partition} AND T.`_kafka_offset` > {after.offset})"
    )
    return [
        f"T.`_kafka_timestamp` >= {moment}",
        f"(T.`_kafka_timestamp` > {moment} OR {later})",
    ]
