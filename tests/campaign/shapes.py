"""The three kinds of job that a round draws from: the payload whole, keep per key, newest version per key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MODEL = '''"""What the messages hold."""

from pydantic import BaseModel


class Item(BaseModel):
    id: str
    version: int
    n: int
    text: str
'''


@dataclass(frozen=True)
class Shape:
    """A job's settings, and what they mean for a tombstone."""

    name: str
    settings: Mapping[str, Any]

    @property
    def is_keyed(self) -> bool:
        """Whether several messages may be one row."""
        return self.name != "payload"


PAYLOAD = Shape("payload", {})
KEEP = Shape("keep", {"model": "campaign_item:Item", "dedup_key": ["id"]})
UPDATE = Shape("update", {**KEEP.settings, "on_duplicate": "update", "version": ["version"]})
SHAPES = (PAYLOAD, KEEP, UPDATE)


def write_model(folder: Path) -> None:
    """Where job files of this folder find it."""
    (folder / "campaign_item.py").write_text(_MODEL)
