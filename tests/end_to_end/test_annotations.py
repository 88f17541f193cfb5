"""Models with annotations, from Kafka to the local BigQuery; the salt stays where it belongs."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from decimal import Decimal

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
SALT = "do-not-tell-anybody-0123"
MODEL = """
from typing import Annotated, Literal
from pydantic import BaseModel, Field, computed_field
from airflow_kafka_bq import Column, Drop, Hashed

class Card(BaseModel):
    kind: Literal["card"]
    last: str

class Cash(BaseModel):
    kind: Literal["cash"]
    coins: list[int]

class Order(BaseModel):
    mail: Annotated[str, Hashed(salt="pii")]
    größe: int
    big: Annotated[int, Column(name="total", type="NUMERIC", description="sum")]
    note: Annotated[str, Drop]
    paid: Annotated[Card | Cash, Field(discriminator="kind"), Column(type="STRUCT")]

    @computed_field
    def twice(self) -> int:
        return 2 * self.größe
"""


def message(mail: str, size: int = 1, **paid: object) -> dict[str, object]:
    return {"mail": mail, "größe": size, "big": 2**64, "note": "secret", "paid": paid or {"kind": "card", "last": "1"}}


def hashed(text: str) -> str:
    return hmac.new(SALT.encode(), text.encode(), hashlib.sha256).hexdigest()


def test_rows_are_what_the_annotations_say(pipe: PipeFactory, bigquery: LocalBigQuery) -> None:
    made = pipe(1, model="marked_orders:Order", dedup_key=["mail"], on_duplicate="update", salts={"pii": SALT})
    (made.folder / "marked_orders.py").write_text(MODEL, "utf-8")
    made.produce([message("a@b.c"), message("d@e.f", 2, kind="cash", coins=[1, 2]), message("a@b.c", 5)])
    bigquery.faults.forget_calls()
    report = made.run()
    assert (report["rows"]["inserted"], report["rows"]["unchanged"]) == (2, 1), report
    assert report["columns"] == {"gr__e": "größe", "total": "big"}
    shown = "mail, gr__e, total, paid.kind, ARRAY_LENGTH(paid.coins), twice"
    assert sorted(made.query(f"SELECT {shown} FROM {made.name()}")) == sorted([
        (hashed("a@b.c"), 5, Decimal(2**64), "card", 0, 10),
        (hashed("d@e.f"), 2, Decimal(2**64), "cash", 2, 4),
    ])  # fmt: skip
    jobs = made.client.list_jobs(all_users=True, max_results=50)
    said = [str(job._properties) for job in jobs]
    assert said
    assert not [one for one in said if SALT in one or "a@b.c" in one]
    assert SALT not in str(report)


def test_a_salt_that_is_not_there_is_named_before_anything_is_read(pipe: PipeFactory) -> None:
    made = pipe(1, model="marked_orders:Order")
    (made.folder / "marked_orders.py").write_text(MODEL, "utf-8")
    failure = made.json("run", str(made.path))
    assert failure["error"] == "ConfigError", failure
    assert "salt 'pii'" in failure["message"]
    short = made.command("run", str(made.path), "--set", "salts.pii=pepper", "--json")
    assert short.returncode == 2
    assert "6 bytes long" in short.stdout
    assert "pepper" not in short.stdout + short.stderr
    assert made.tables() == set()
