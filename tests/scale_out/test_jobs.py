"""The jobs that docs/scaling.md counts with are those that a run asks for."""

from __future__ import annotations

import json

import pytest

from benchmarks.scale_out.ground import Ground
from benchmarks.scale_out.jobs import counted
from tests.scale_out.conftest import REPOSITORY


@pytest.mark.kafka
@pytest.mark.bigquery
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_jobs_are_those_of_the_result_file(servers: Ground) -> None:
    """If a run asks for more or less now: ``jobs`` of benchmarks/scale_out.json, then ``make docs``."""
    kept = json.loads((REPOSITORY / "benchmarks" / "scale_out.json").read_text("utf-8"))["jobs"]
    assert counted(servers) == kept
