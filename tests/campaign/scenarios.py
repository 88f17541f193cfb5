"""All scenarios by name: each is played with a ground and a seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.campaign import history, rows
from tests.campaign.diary import Diary
from tests.campaign.ground import Ground

SCENARIOS: dict[str, Callable[[Ground, int], Diary]] = {
    **{str(cell): partial(rows.play, cell=cell) for cell in rows.CELLS},
    "history": history.play,
    "airflow": partial(history.play, airflow=True),
}
