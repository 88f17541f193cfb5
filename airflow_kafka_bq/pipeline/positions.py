"""What is committed beside an offset: whose it is, and which batch moved it there."""

from __future__ import annotations

import json


def metadata(table: str, revision: int | None, batch_id: str | None) -> str:
    """Text for the commit's metadata field (Kafka allows 4,096 bytes)."""
    return json.dumps({"table": table, "revision": revision, "batch": batch_id}, separators=(",", ":"))


def owner_of(text: str) -> str | None:
    """The table whose task committed this; None for commits that are not ours."""
    owner = _field(text, "table")
    return owner if isinstance(owner, str) else None


def revision_of(text: str) -> int | None:
    """The ledger's revision that a commit of ours followed; None for others, and without a ledger."""
    revision = _field(text, "revision")
    return revision if owner_of(text) is not None and isinstance(revision, int) else None


def _field(text: str, name: str) -> object:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found.get(name) if isinstance(found, dict) else None
