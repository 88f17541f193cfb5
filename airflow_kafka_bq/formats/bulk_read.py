r"""Many JSON objects in one parse, and proof that each row is of the message it is said to be of.

Each value must begin with ``{"``. Its brace is replaced by ``{"<random>":<index>,``, and an object with the next index
follows the last. Arrow does not care where one object ends and the next begins: a value that holds two objects gives
a row without index, one that swallows its neighbour hides an index, one that ends the input hides all that follow. So
if there are as many rows as indices, and they count up by one, every value was one object and nothing else.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.json

from airflow_kafka_bq.batch import row_numbers
from airflow_kafka_bq.formats.columnar_plan import Node

_pc: Any = pyarrow.compute
_read_json: Any = pyarrow.json.read_json
_INDEX = f"_{secrets.token_hex(8)}"  # nobody who writes messages can know it
_FEWEST_OPENINGS = 1 << 14
_TO_THE_END = 2**31 - 1
_OTHER_KIND = re.compile(r"Column\(.*/([^/\[\]]+)\) changed from \w+ to (\w+) in row")
_BEGINS = {"string": '"', "number": "[-0-9]", "boolean": "[tf]", "object": r"\{", "array": r"\["}
_ROW = re.compile(r" in row ([0-9]+)$")


class UnknownFieldError(Exception):
    """A message has a field that the schema does not."""


class UnreadableError(Exception):
    """The values cannot be read together.

    ``position`` is the first that cannot, where that is known. ``looks`` finds it, and others that have the same kind
    of value in a field of the same name; None where it is not the kind of a value that is wrong.
    """

    def __init__(self, position: int | None, looks: str | None = None) -> None:
        super().__init__(position)
        self.position = position
        self.looks = looks


def read(values: Any, nodes: Sequence[Node], *, ignore_unknown: bool) -> list[Any]:
    """One Arrow array per node, row ``i`` of message ``i``.

    :param values: binary, none null, each beginning with ``{"``.
    :raises UnknownFieldError: unless ``ignore_unknown``.
    :raises UnreadableError: a value is not JSON, or not of its column's type.
    """
    text = _joined(values)
    schema = pa.schema([pa.field(_INDEX, pa.int64()), *(pa.field(node.source, node.read) for node in nodes)])
    try:
        table = _read_json(
            pa.BufferReader(text),
            read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=text.size + 1),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="ignore" if ignore_unknown else "error"
            ),
        )
    except pa.ArrowInvalid as error:
        if "unexpected field" in str(error):
            raise UnknownFieldError from error
        row = _ROW.search(str(error))
        raise UnreadableError(min(int(row[1]), len(values) - 1) if row else None, _looks(str(error))) from error
    _check_rows(table.column(0), len(values))
    return [column.combine_chunks().slice(0, len(values)) for column in table.columns[1:]]


def _looks(error: str) -> str | None:
    found = _OTHER_KIND.search(error)
    return rf'"{re.escape(found[1])}"\s*:\s*{_BEGINS[found[2]]}' if found and found[2] in _BEGINS else None


def _joined(values: Any) -> Any:
    lines = _pc.binary_join_element_wise(_openings(len(values)), _pc.binary_slice(values, 1, _TO_THE_END), b"")
    last = pa.array([b'\n{"%s":%d}' % (_INDEX.encode(), len(values))], pa.binary())
    return pa.concat_arrays([lines, last]).buffers()[2]


def _openings(count: int) -> Any:
    """Of each row; a new one for each length would make as many Python objects."""
    return _all_openings(max(_FEWEST_OPENINGS, 1 << (count - 1).bit_length())).slice(0, count)


@lru_cache(maxsize=4)
def _all_openings(count: int) -> Any:
    return pa.array([b'\n{"%s":%d,' % (_INDEX.encode(), index) for index in range(count)], pa.binary())


def _check_rows(found: Any, count: int) -> None:
    if found.combine_chunks().equals(row_numbers(count + 1)):
        return
    for position, index in enumerate(found.to_pylist()):
        if index != position:
            raise UnreadableError(min(max(position - 1, 0), count - 1))
    raise UnreadableError(min(max(len(found) - 1, 0), count - 1))
