"""Headers of events are found beside others, in every piece of a batch."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.batch import HEADERS
from airflow_kafka_bq.formats.envelopes.event_headers import event_headers
from airflow_kafka_bq.formats.parser import Rejected

NAMES = st.sampled_from(["ce_id", "ce_type", "content-type", "Content-Type", "trace", "ce_", "id"])
HEADER = st.fixed_dictionaries({"key": NAMES, "value": st.none() | st.binary(max_size=2)})
LISTS = st.lists(st.none() | st.lists(HEADER, max_size=4), max_size=6)


def plainly(headers: list[dict[str, Any]] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in headers or ():
        if one["key"].startswith("ce_") or one["key"] == "content-type":
            name = one["key"].removeprefix("ce_")
            found[name] = Rejected if name in found else one["value"]
    return found


@given(LISTS, st.integers(0, 3))
def test_each_message_has_its_own(lists: list[Any], first: int) -> None:
    found = event_headers(pa.array(lists, HEADERS)[first:])
    for at, headers in enumerate(lists[first:]):
        told = {name: type(one) if isinstance(one, Rejected) else one for name, one in found.get(at, {}).items()}
        assert told == plainly(headers)
