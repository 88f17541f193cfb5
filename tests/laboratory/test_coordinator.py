"""Rebalances are read from the coordinator's records as the broker writes them."""

from __future__ import annotations

import struct

from laboratory.coordinator import Entry, Rebalance, parsed


def text(value: str | None) -> bytes:
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()


def classic(at: float, generation: int, members: int, version: int = 3) -> Entry:
    """A classic group's metadata: its members' own fields come last and do not matter."""
    value = struct.pack(">h", version) + text("consumer") + struct.pack(">i", generation) + text("range") + text(None)
    value += struct.pack(">q", 0) if version >= 2 else b""
    return Entry(struct.pack(">h", 2) + text("g"), value + struct.pack(">i", members), at)


def member(at: float, name: str, *, gone: bool = False) -> Entry:
    return Entry(struct.pack(">h", 5) + text("g") + text(name), None if gone else b"\0\0", at)


def epoch(at: float, number: int) -> Entry:
    return Entry(struct.pack(">h", 3) + text("g"), struct.pack(">hi", 0, number), at)


def test_a_classic_group_without_members_does_no_work() -> None:
    found = list(parsed([classic(1.0, 1, 1), classic(2.0, 2, 2, version=1), classic(3.0, 3, 0)]))
    assert found == [Rebalance(1.0, "g", 1, 1), Rebalance(2.0, "g", 2, 2)]


def test_epochs_of_a_group_count_while_it_has_members() -> None:
    entries = [member(1.0, "a"), epoch(1.0, 1), member(2.0, "b"), epoch(2.0, 2)]
    entries += [member(3.0, "a", gone=True), epoch(3.0, 3), member(4.0, "b", gone=True), epoch(4.0, 4)]
    assert list(parsed(entries)) == [Rebalance(1.0, "g", 1, 1), Rebalance(2.0, "g", 2, 2), Rebalance(3.0, "g", 3, 1)]


def test_commits_and_groups_that_are_deleted_are_no_rebalances() -> None:
    commit = Entry(struct.pack(">h", 1) + text("g") + text("topic") + struct.pack(">i", 0), b"\0\3", 1.0)
    deleted = [Entry(classic(1.0, 1, 1).key, None, 2.0), Entry(epoch(1.0, 1).key, None, 2.0)]
    assert list(parsed([commit, *deleted])) == []
