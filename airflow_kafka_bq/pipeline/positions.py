"""What is committed beside an offset: whose it is, and which batch moved it there."""

from __future__ import annotations

import json


def metadata(table: str, revision: int | None, batch_id: str | None) -> str:
    """Text for the commit's metadata field (Kafka allows 4,096 bytes)."""
    return json.dumps({"table": table, "revision": revision, "batch": batch_id}, separators=(",", ":"))


def owner_of(text: str) -> str | None:
    """The table whose task committed this; None for commits that are not ours."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    owner = found.get("table") if isinstance(found, dict) else None
    return owner if isinstance(owner, str) else None
