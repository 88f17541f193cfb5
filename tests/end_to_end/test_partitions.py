"""From the job file to the table: ranges of whole numbers, and the time of writing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import kept

PipeFactory = Callable[..., Pipe]
SHOPS = {"column": "shop", "start": 0, "end": 100, "interval": 10}
LAYOUTS: dict[str, dict[str, Any]] = {
    "ranges": {"partition_by": SHOPS, "dedup_key": ["id", "shop"], "table_options": {"require_partition_filter": True}},
    "ingestion": {"partition_by": "_PARTITIONTIME:hour", "dedup_key": ["id"]},
    "ingestion, nearby": {"partition_by": "_PARTITIONTIME", "dedup_key": ["id"], "dedup_window": "3d"},
    "ranges, one MERGE": {
        "partition_by": SHOPS,
        "dedup_key": ["id", "shop"],
        "merge_per": "run",
        "batch_messages": 2,
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_messages_are_in_the_table_once_and_a_replay_changes_nothing(pipe: PipeFactory, layout: str) -> None:
    made = pipe(1, model="shops:Order", max_bad_ratio=None, **LAYOUTS[layout])
    (made.folder / "shops.py").write_text(
        "from pydantic import BaseModel\nclass Order(BaseModel):\n    id: int\n    shop: int\n"
    )
    sent = made.produce([{"id": number, "shop": shop} for number, shop in enumerate((-1, 0, 9, 10, 99, 100, 2**62))])
    first = made.run()
    assert (first["rows"]["inserted"], first["quota"]["dml_statements"]) == (7, 1), first
    again = made.run('window={"from": {"0": 0}, "to": {"0": 7}}')
    assert (again["outcome"], again["rows"]["unchanged"]) == ("window", 7), again
    assert again["quota"]["batches_last_day"] == 1
    assert again["quota"]["load_jobs_last_day"] == first["quota"]["load_jobs"] == (4 if "MERGE" in layout else 1)
    if layout != "ranges":  # else a reader needs a filter, as asked
        kept(made, sent)
