"""Each peer lands every message, where its environment can be made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.cases import PEERS
from benchmarks.peers.environments import UnavailableError
from benchmarks.site import Site, site

MESSAGES = 2_000


@pytest.fixture(scope="module")
def place() -> Iterator[Site]:
    with site() as found:
        found.measured("-m", "benchmarks.events", found.bootstrap, "events", str(MESSAGES))
        yield found


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.bigquery
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", PEERS)
def test_every_message_of_a_peer_lands_once(place: Site, name: str) -> None:
    try:
        (run,) = PEERS[name].run(place, "events", MESSAGES)
    except UnavailableError as why:
        pytest.skip(str(why))
    assert (run["rows"], run["lost"], run["duplicates"]) == (MESSAGES, 0, 0)
    assert 0 < run["steady_seconds"] < run["wall_seconds"]
