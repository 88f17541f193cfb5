"""Tables for people: one line per partition, no number ever cut or broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table

from airflow_kafka_bq.cli.session import Session

Cell = int | str | None


def show(session: Session, names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Print a table. It takes the room that it needs: a narrow terminal wraps its lines, a file keeps them.

    :param rows: None is shown as a dash.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*("-" if cell is None else session.shown(str(cell)) for cell in row))
    # Made for the console's width, a table that is wider would show 1234… for a number.
    table.width = session.out.measure(table, options=session.out.options.update(width=10_000)).maximum
    session.out.print(table, soft_wrap=True)


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 batch``, ``12,000 messages``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(bytes_: int) -> str:
    """``1.1 MiB (1,110,000 bytes)``, in the powers of two that BigQuery bills by."""
    amount, unit = float(bytes_), "bytes"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, bigger
    return count(bytes_, "byte") if unit == "bytes" else f"{amount:,.1f} {unit} ({bytes_:,} bytes)"


def span(seconds: float) -> str:
    """The two largest units: ``4 d 23 h``, ``12 m 5 s``."""
    left, found = round(seconds), list[str]()
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        whole, left = divmod(left, length)
        if whole or found or unit == "s":
            found.append(f"{whole} {unit}")
    return " ".join(found[:2])
