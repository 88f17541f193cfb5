"""Which partitions a statement touches: only comparisons of the bare partition column with constants narrow them.

https://cloud.google.com/bigquery/docs/querying-partitioned-tables#pruning_partitions: a column compared with a column,
a subquery or a function of itself does not.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlglot import exp

_DAY_MICROSECONDS = 86_400_000_000
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Partition:
    """The values of one partition: microseconds since 1970, or whole numbers; half-open. Both None for NULL."""

    start: int | None
    end: int | None


@dataclass(frozen=True)
class PartitionColumn:
    """A table's partition column as a statement names it.

    Attributes:
        name: Of the column.
        alias: Of the table in the statement.
    """

    name: str
    alias: str

    def is_it(self, expression: exp.Expr | None) -> bool:
        """True for the bare column."""
        while isinstance(expression, exp.Paren):
            expression = expression.this
        return (
            isinstance(expression, exp.Column)
            and expression.name.lower() == self.name.lower()
            and expression.table.lower() in {"", self.alias.lower()}
        )


def constant(expression: exp.Expr | None) -> int | None:
    """Microseconds since 1970 of a TIMESTAMP, DATETIME or DATE literal, or a whole number; None for anything else."""
    if isinstance(expression, exp.Neg | exp.Literal) and isinstance(number := expression.to_py(), int):
        return number
    if isinstance(expression, exp.Cast | exp.Paren | exp.Timestamp | exp.Date):
        return constant(expression.this)
    if not isinstance(expression, exp.Literal) or not expression.is_string:
        return None
    try:
        moment = datetime.datetime.fromisoformat(expression.name.replace(" UTC", "+00:00").replace("/", "-"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)


def may_hold(condition: exp.Expr | None, column: PartitionColumn, partition: Partition) -> bool:
    """False only if no row of the partition can satisfy the condition."""
    if isinstance(condition, exp.Paren):
        return may_hold(condition.this, column, partition)
    if isinstance(condition, exp.And):
        return may_hold(condition.left, column, partition) and may_hold(condition.right, column, partition)
    if isinstance(condition, exp.Or):
        return may_hold(condition.left, column, partition) or may_hold(condition.right, column, partition)
    if isinstance(condition, exp.Is) and column.is_it(condition.this) and isinstance(condition.expression, exp.Null):
        return partition.start is None
    if isinstance(condition, exp.Not) and isinstance(condition.this, exp.Is):
        inner = condition.this
        if column.is_it(inner.this) and isinstance(inner.expression, exp.Null):
            return partition.start is not None
    ranges = _ranges(condition, column)
    if ranges is None:
        return True
    if partition.start is None or partition.end is None:
        return False
    return any(low < partition.end and partition.start <= high for low, high in ranges)


def _ranges(condition: exp.Expr | None, column: PartitionColumn) -> list[tuple[int, int]] | None:
    """Closed ranges that the column's value is in; None if the condition says nothing about it."""
    if isinstance(condition, exp.Between) and column.is_it(condition.this):
        low, high = constant(condition.args["low"]), constant(condition.args["high"])
        return None if low is None or high is None else [(low, high)]
    if isinstance(condition, exp.In) and column.is_it(condition.this):
        values = [constant(value) for value in condition.expressions]
        known = [value for value in values if value is not None]
        return [(value, value) for value in known] if known and len(known) == len(values) else None
    if not isinstance(condition, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        return None
    kind: type[exp.Expr] = type(condition)
    if column.is_it(condition.left):
        value = constant(condition.right)
    elif column.is_it(condition.right):
        value, kind = constant(condition.left), _TURNED.get(kind, kind)
    else:
        return None
    return None if value is None else [_range(kind, value)]


_TURNED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
}
_FAR = 1 << 65


def _range(kind: type[exp.Expr], value: int) -> tuple[int, int]:
    if kind is exp.EQ:
        return value, value
    if kind is exp.GT:
        return value + 1, _FAR
    if kind is exp.GTE:
        return value, _FAR
    return (-_FAR, value - 1) if kind is exp.LT else (-_FAR, value)


def is_filter(condition: exp.Expr | None, column: PartitionColumn) -> bool:
    """True if the condition satisfies `require_partition_filter`: it could narrow the partitions."""
    if isinstance(condition, exp.Paren | exp.Not):
        return is_filter(condition.this, column)
    if isinstance(condition, exp.And):
        return is_filter(condition.left, column) or is_filter(condition.right, column)
    if isinstance(condition, exp.Or):
        return is_filter(condition.left, column) and is_filter(condition.right, column)
    if isinstance(condition, exp.Is):
        return column.is_it(condition.this)
    return _ranges(condition, column) is not None


def range_at(number: int | None, ranges: dict[str, str]) -> Partition:
    """The range of this number; all that lies beyond them, number -1, is in one partition that nothing prunes."""
    if number is None:
        return Partition(None, None)
    if number < 0:
        return Partition(-_FAR, _FAR)
    start, end, interval = (int(ranges[name]) for name in ("start", "end", "interval"))
    low = start + number * interval
    return Partition(low, min(end, low + interval))


def partition_at(start: int | None, unit: str) -> Partition:
    """The partition that starts there."""
    if start is None:
        return Partition(None, None)
    if unit == "HOUR":
        return Partition(start, start + _DAY_MICROSECONDS // 24)
    if unit == "DAY":
        return Partition(start, start + _DAY_MICROSECONDS)
    moment = _EPOCH + datetime.timedelta(microseconds=start)
    if unit == "MONTH":
        after = moment.replace(year=moment.year + moment.month // 12, month=moment.month % 12 + 1)
    else:
        after = moment.replace(year=moment.year + 1)
    return Partition(start, (after - _EPOCH) // datetime.timedelta(microseconds=1))
