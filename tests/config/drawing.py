"""How many examples hypothesis draws here: the checks are small, and a busy machine must not fail them by the clock."""

from __future__ import annotations

from hypothesis import settings

few = settings(max_examples=50, deadline=None)
