"""What the demo says: a line for each thing it does, a table at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from airflow_kafka_bq.demo.orders import PARTITIONS, TOPIC, Wave
from airflow_kafka_bq.demo.story import Step

_WIDTHS = (80, 100)
_COLUMNS = {
    "read": "read",
    "rows": "rows",
    "orders": "orders",
    "duplicates": "duplicate\nrows",
    "deleted": "deleted",
    "dead_letters": "dead\nletters",
    "unread": "unread",
}
Sections = Sequence[tuple[str, Sequence[Step]]]


class Screen:
    """Where the demo speaks. Lines go to stderr when the result is for a machine."""

    def __init__(self, as_json: bool) -> None:
        self._console = Console(stderr=as_json, highlight=False)
        self._console.width = min(max(self._console.width, _WIDTHS[0]), _WIDTHS[1])
        self._began = time.monotonic()

    def tell(self, text: str) -> None:
        """What happens now, with the seconds since the start."""
        self._console.print(f"[dim]{time.monotonic() - self._began:5.1f} s[/]  {text}", soft_wrap=True)

    def say(self, text: str = "") -> None:
        """A line."""
        self._console.print(text, soft_wrap=True)

    def show_topic(self, wave: Wave) -> None:
        """What was produced."""
        self.tell(f"Topic {TOPIC}: {len(wave.messages):,} messages on {PARTITIONS} partitions: {wave.orders:,} orders,")
        self.say(f"         {wave.duplicates:,} sent twice, {wave.bad:,} bad messages, {wave.tombstones:,} tombstones")

    def show_table(self, sections: Sections) -> None:
        """All steps with their figures."""
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
        table.add_column("", no_wrap=True)
        for title in _COLUMNS.values():
            table.add_column(title, justify="right", no_wrap=True)
        for number, (title, steps) in enumerate(sections):
            if number:
                table.add_row()
            table.add_row(f"[bold]{title}[/]")
            for step in steps:
                table.add_row(f"  {step.name}", *_cells(step))
        self.say()
        self._console.print(table)
        self.say("read: messages read by the run · unread: behind the committed offsets in Kafka")

    def show_end(self, by_hand: Sequence[Step], ours: Sequence[Step], bad: int, deleted: int) -> None:
        """What the figures mean."""
        self.say(
            f"\nBy hand, the move to a new group left {by_hand[-1].found.duplicates:,} duplicate rows; "
            f"{bad:,} bad messages\nand {deleted:,} deletions left no trace."
        )
        self.say(
            f"With us there are {ours[-1].found.duplicates:,}: the position is in BigQuery and moves with the rows, "
            "in one\ntransaction. Neither group, nor kill, nor replay changes what is in the table."
        )


def document(sections: Sections, seconds: float) -> dict[str, Any]:
    """The same for machines."""
    steps = [
        {"by": title, "step": step.name, **asdict(step.found), "wrong": step.wrong}
        for title, steps in sections
        for step in steps
    ]
    return {"steps": steps, "holds": not any(step["wrong"] for step in steps), "seconds": round(seconds, 1)}


def _cells(step: Step) -> list[str]:
    found, wanted = asdict(step.found), asdict(step.wanted)
    cells = []
    for name in _COLUMNS:
        text = "-" if found[name] is None else f"{found[name]:,}"
        if name == "duplicates" and found[name]:
            text = f"[red]{text}[/]"
        cells.append(text if found[name] == wanted[name] else f"[reverse red]{text}[/]")
    return cells
