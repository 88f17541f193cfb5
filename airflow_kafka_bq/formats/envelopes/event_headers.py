"""The headers of CloudEvents among all headers of many messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute

from airflow_kafka_bq.formats.parser import Rejected

_pc: Any = pyarrow.compute

CONTENT_TYPE = "content-type"
_PREFIX = "ce_"
EventHeaders = Mapping[str, bytes | Rejected | None]


def event_headers(headers: pa.Array[Any]) -> dict[int, EventHeaders]:
    """By message: the value of each attribute, without its prefix, and of ``content-type``.

    An attribute that is there twice has no meaning: its place has the rejection. Other headers may be as they are.

    :param headers: HEADERS.
    """
    flat = _pc.list_flatten(headers)
    names, values = flat.field("key"), flat.field("value")
    ours = _pc.or_(_pc.starts_with(names, _PREFIX), _pc.equal(names, CONTENT_TYPE))
    places = _pc.list_parent_indices(headers).filter(ours).to_pylist()
    found: dict[int, dict[str, bytes | Rejected | None]] = {}
    for at, name, value in zip(places, names.filter(ours).to_pylist(), values.filter(ours).to_pylist(), strict=True):
        of_message = found.setdefault(at, {})
        name = name.removeprefix(_PREFIX)
        of_message[name] = _twice(name) if name in of_message else value
    return dict(found)


def _twice(name: str) -> Rejected:
    return Rejected("decode", "no_event", f"no CloudEvent: the header of {name} is there twice")
