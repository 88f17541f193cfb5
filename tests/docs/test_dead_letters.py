"""docs/dead-letters.md shows what the commands print."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.commands import Command, write_job
from tests.cli.conftest import kafka_bq, world
from tests.docs.documents import section
from tests.docs.markdown import ROOT
from tests.pipeline.world import World

__all__ = ["kafka_bq", "world"]

PAGE = (ROOT / "docs" / "dead-letters.md").read_text("utf-8")
MODEL = """
from pydantic import BaseModel, field_validator

class Order(BaseModel):
    id: str
    n: int

class Mended(Order):
    @field_validator("n", mode="before")
    @classmethod
    def _number(cls, value):
        return {"two": 2}.get(value, value)
"""
SHOWN = dict(re.findall(r"```sh\n(kafka-bq .+)\n```\n\n```text\n((?s:.+?))```", section(PAGE, "## Redrive")))


@pytest.fixture
def told(kafka_bq: Command, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """What a command of the page prints: three letters wait, two of them written as words."""
    (tmp_path / "page_models.py").write_text(MODEL, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "page_models", raising=False)
    write_job(tmp_path, model="page_models:Mended")
    for value in ({"id": "a", "n": 1}, {"id": "b", "n": "two"}, {"id": "c"}, {"id": "d", "n": "two"}):
        world.send(value, partition=0)
    strict = ("--set", "model=page_models:Order", "--set", "max_bad_ratio=null")
    assert kafka_bq("run", "orders.yaml", *strict).code == 0

    def call(command: str) -> str:
        done = kafka_bq(*command.split()[1:])
        assert done.code == 0, done.err
        return re.sub(r"\d+\.\d s", "0.1 s", done.out)

    return call


@pytest.mark.parametrize("command", ["kafka-bq redrive orders.yaml --dry-run", "kafka-bq redrive orders.yaml"])
def test_a_transcript_is_what_is_printed(told: Callable[[str], str], command: str) -> None:
    assert told(command) == SHOWN[command]


def test_the_page_has_no_other_transcript() -> None:
    assert len(SHOWN) == PAGE.count("```text") == 2
