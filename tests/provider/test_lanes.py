"""A lane tests what it says: with another Airflow, or with the Google provider, nothing is passed over in silence."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

import airflow
import pytest

from airflow_kafka_bq.testing.kafka import MockCluster

REPOSITORY = Path(__file__).parent.parent.parent
LANE = os.environ.get("KAFKA_BQ_LANE", "")
pytestmark = pytest.mark.airflow


def test_every_lane_has_its_pins_and_its_target() -> None:
    targets = re.findall(r"^test-(airflow-[\d.]+|google):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE)
    pins = {path.stem for path in (REPOSITORY / "constraints").glob("*.txt") if not path.stem.startswith("peer-")}
    pins -= {"dev", "celery"}  # `make celery`; those of the peers are for `benchmarks.peers`
    assert sorted(targets) == sorted(pins)
    for lane in pins - {"google"}:
        text = (REPOSITORY / "constraints" / f"{lane}.txt").read_text("utf-8")
        assert re.search(rf"^apache-airflow=={lane.removeprefix('airflow-')}\.\d+$", text, re.MULTILINE)


@pytest.mark.skipif(not LANE.startswith("airflow-"), reason="not in the environment of another Airflow")
def test_this_is_the_airflow_of_the_lane() -> None:
    assert airflow.__version__.startswith(LANE.removeprefix("airflow-") + ".")


@pytest.mark.skipif(LANE != "google", reason="not in the environment with the Google provider")
def test_the_google_provider_is_there() -> None:
    assert importlib.util.find_spec("airflow.providers.google.common.hooks.base_google")


@pytest.mark.skipif(not LANE, reason="not in the environment of a lane")
def test_the_embedded_kafka_is_there() -> None:
    """Where it is not, tests that need it are skipped; here that would be all of them."""
    cluster = MockCluster()
    cluster.start()
    cluster.stop()
