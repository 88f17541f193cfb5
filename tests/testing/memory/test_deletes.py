"""Delete markers in memory: as the contract has them, in many more orders than the local BigQuery has time for."""

from __future__ import annotations

import pytest

from tests.contract.deletes_contract import any_order
from tests.contract.warehouse_world import MemoryWorld


@pytest.mark.parametrize("seed", range(300))
def test_no_order_of_batches_and_replays_brings_a_row_back(seed: int) -> None:
    any_order(MemoryWorld(), seed)
