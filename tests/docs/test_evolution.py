"""What docs/evolution.md shows is what happens, on a real broker and the local BigQuery."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal

from tests.docs.documents import section
from tests.docs.markdown import ROOT
from tests.end_to_end.pipe import Pipe

PAGE = (ROOT / "docs" / "evolution.md").read_text("utf-8")
PipeFactory = Callable[..., Pipe]
BEFORE = "from pydantic import BaseModel\nclass Order(BaseModel):\n    order_id: str\n    amount: int\n"


def shown(made: Pipe, kind: str) -> list[str]:
    """Blocks of the transcript, with this pipeline's names in the place of the page's."""
    found = re.findall(rf"```{kind}\n(.+?)```", section(PAGE, "## See it before it happens"), re.DOTALL)
    table = made.name().strip("`")
    quoted = ".".join(f"`{part}`" for part in table.split("."))
    for page, here in {
        "`demo`.`analytics`.`orders`": quoted, "demo.analytics.orders": table, "shop.orders": made.topic,
        "orders.yaml": str(made.path),
    }.items():  # fmt: skip
        found = [text.replace(page, here) for text in found]
    return found


def test_the_transcript_is_true(pipe: PipeFactory) -> None:
    made = pipe(1, model="evolving_orders:Order")
    model = made.folder / "evolving_orders.py"
    model.write_text(BEFORE)
    made.produce([{"order_id": "a", "amount": 2**62}])
    made.run()
    model.write_text(shown(made, "python")[0])
    for command, output in zip(shown(made, "sh"), shown(made, "text"), strict=False):
        done = made.command(*command.split()[1:])
        assert (done.stdout, done.returncode) == (output, 1), done.stderr
    made.produce([{"order_id": "b", "amount": 9.95, "coupon": "X"}])
    failure = made.command("run", str(made.path))
    assert failure.returncode == 3
    assert shown(made, "text")[2].strip() in failure.stderr
    report = made.run("schema_update=add_relax_widen")
    assert report["rows"]["inserted"] == 1, report
    kept = made.query(f"SELECT order_id, amount, coupon FROM {made.name()} ORDER BY order_id")
    assert kept == [("a", Decimal(2**62), None), ("b", Decimal("9.95"), "X")]
    done = made.command("schema", str(made.path), "--diff")
    assert (done.stdout, done.returncode) == ("no difference\n", 0)


def test_what_was_unknown_fills_its_column_later(pipe: PipeFactory) -> None:
    made = pipe(1, model="unknown_coupons:Order", unknown_fields="json_column")
    model = made.folder / "unknown_coupons.py"
    model.write_text(BEFORE)
    made.produce([{"order_id": "a", "amount": 1, "coupon": "X"}, {"order_id": "b", "amount": 1}])
    assert made.run()["unknown_fields"] == 1
    (left,) = made.query(f"SELECT TO_JSON_STRING(_unknown_fields) FROM {made.name()} WHERE order_id = 'a'")
    assert json.loads(left[0]) == {"coupon": "X"}
    model.write_text(BEFORE + "    coupon: str | None = None\n")
    assert made.run()["outcome"] == "end"
    assert made.query(f"SELECT coupon FROM {made.name()}") == [(None,), (None,)]
