"""Contracts are no test modules: without this their failures would not show the values."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.contract.{name}"
        for name in (
            "fence_contract",
            "jobs_contract",
            "merging_contract",
            "reading",
            "reading_contract",
            "source_contract",
            "tombstones_contract",
            "warehouse_contract",
            "workbench",
        )
    )
)
