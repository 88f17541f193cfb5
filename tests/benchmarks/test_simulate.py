"""The simulation of a day: nothing is lost, closed forms are met, and more capacity is never worse."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from benchmarks.arrivals import DAY, Arrivals, curve
from benchmarks.simulate import Setup, count, main, play, seconds

SETUPS = st.builds(
    Setup,
    every=st.integers(300, 7_200),
    slices=st.integers(1, 8),
    batch_messages=st.integers(5_000, 100_000),
    rows_per_second=st.integers(20, 5_000),
    start_seconds=st.integers(0, 60),
    load_seconds=st.integers(0, 30),
    merge_seconds=st.integers(0, 60),
)
ARRIVALS = st.builds(
    Arrivals,
    st.integers(1, 3_000_000),
    st.lists(st.integers(0, 9), min_size=1, max_size=24).filter(any).map(lambda found: tuple(map(float, found))),
)
# Days take long to play: few of them, and the first that fails is good enough.
FEW = settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def setup(**given: Any) -> Setup:
    known = {
        "every": 600, "slices": 1, "batch_messages": 10**9, "rows_per_second": 100, "start_seconds": 0,
        "load_seconds": 0, "merge_seconds": 0,
    }  # fmt: skip
    return Setup(**(known | given))


@FEW
@given(ARRIVALS, SETUPS, st.lists(st.floats(0, 2 * DAY), max_size=8))
def test_what_arrived_has_landed_or_waits(arrivals: Arrivals, made: Setup, times: list[float]) -> None:
    played = play(arrivals, made)
    for at in (*times, *played.corners()):
        assert played.lag(at) >= 0
        assert played.landed(at) + played.lag(at) == arrivals.by(at)
    figures = played.figures()
    assert figures["arrived"] == arrivals.messages
    assert figures["lag_at_start"] + figures["arrived"] == figures["landed"] + figures["lag_at_end"]
    assert sum(run.messages for run in played.runs) == played.steps[-1][1]


@FEW
@given(ARRIVALS, SETUPS)
def test_runs_come_one_at_a_time_and_on_time(arrivals: Arrivals, made: Setup) -> None:
    runs = play(arrivals, made).runs
    for before, after in itertools.pairwise(runs):
        assert after.start >= before.end
        assert after.start == before.end or after.start % made.every == pytest.approx(0)
        assert after.start - max(before.end, before.start) <= made.every
    for run in runs:
        assert run.messages == sum(size for _, size in made.landings(run.messages))
        assert all(run.start <= at <= run.end for at, _ in run.landings)


@FEW
@given(ARRIVALS, SETUPS, st.floats(1, 4), st.integers(0, 4))
def test_more_capacity_lands_no_less(arrivals: Arrivals, made: Setup, faster: float, more: int) -> None:
    """Up to what arrives while a run waits for its turn: a shorter run starts the next one at another moment."""
    given = {name: getattr(made, name) for name in made.__slots__}
    slices = made.slices + more if made.slices > 1 else 1
    better = Setup(**(given | {"rows_per_second": made.rows_per_second * faster, "slices": slices}))
    slow, fast = play(arrivals, made), play(arrivals, better)
    between = arrivals.peak() * max(made.every, max(run.end - run.start for run in fast.runs))
    assert fast.figures()["worst_lag"] <= slow.figures()["worst_lag"] + between
    assert fast.landed(2 * DAY) >= slow.landed(2 * DAY) - between


@FEW
@given(st.integers(1, 10**6), SETUPS)
def test_a_run_is_never_shorter_with_less_capacity(messages: int, made: Setup) -> None:
    given = {name: getattr(made, name) for name in made.__slots__}
    whole = list(made.landings(messages))
    for less in ({"rows_per_second": made.rows_per_second / 2}, {"merge_seconds": made.merge_seconds + 1},
                 {"load_seconds": made.load_seconds + 1}, {"start_seconds": made.start_seconds + 1},
                 {"ceiling": made.rows_per_second / 2}):  # fmt: skip
        assert list(Setup(**(given | less)).landings(messages))[-1][0] >= whole[-1][0]


def test_a_flat_day_waits_for_an_interval_and_a_run() -> None:
    """D = s + n/r + l + m with one batch; the oldest message waits T + D, and lag is what arrives in that time."""
    made = setup(start_seconds=10, load_seconds=5, merge_seconds=15)
    figures = play(curve("flat", DAY * 10), made).figures()
    duration = 10 + 10 * 600 / 100 + 5 + 15
    assert figures["longest_run_seconds"] == pytest.approx(duration)
    assert figures["worst_age_seconds"] == pytest.approx(600 + duration, abs=0.2)
    assert figures["worst_lag"] == pytest.approx(10 * (600 + duration), abs=2)
    assert (figures["runs"], figures["batches"], figures["merges"], figures["keeps_up"]) == (144, 144, 144, True)
    assert figures["busy"] == pytest.approx(duration / 600, abs=1e-3)


@pytest.mark.parametrize(
    ("load", "merge", "each"), [(9.0, 3.0, 9.0), (2.0, 10.0, 10.0), (4.0, 4.0, 4.5), (0.5, 0.0, 1.0), (3.0, 2.0, 3.0)]
)
def test_batches_overlap(load: float, merge: float, each: float) -> None:
    """D = s + b/r + l + m + (k - 1) · max(b/r, l, m, (b/r + l + m) / 2): here b/r is 1."""
    made = setup(batch_messages=100, rows_per_second=100, load_seconds=load, merge_seconds=merge, start_seconds=7)
    found = list(made.landings(100 * 7))
    assert len(found) == 7
    assert found[-1][0] == pytest.approx(7 + 1 + load + merge + 6 * each)
    assert found[0][0] == pytest.approx(7 + 1 + load + merge)


def test_slices_share_the_reading_and_merge_once_for_each_hundred_batches() -> None:
    """D = s + b/r + (⌈k/N⌉ - 1) · max(b/r, l) + l + ⌈k/100⌉ · m."""
    made = setup(slices=4, batch_messages=10, load_seconds=2, merge_seconds=30, start_seconds=20)
    found = list(made.landings(4_000))
    assert [size for _, size in found] == [1_000] * 4
    assert found[-1][0] == pytest.approx(20 + 10 / 100 + 99 * 2 + 2 + 4 * 30)
    assert made.batches(4_000) == 400
    assert made.batches(4_001) == 401
    assert made.batches(0) == 0


def test_a_ceiling_is_shared_by_all() -> None:
    made = setup(slices=4, ceiling=200)
    assert list(made.landings(4_000))[-1][0] == pytest.approx(20)


def test_what_arrives_faster_than_it_is_read_is_said_not_to_keep_up() -> None:
    figures = play(curve("flat", DAY * 120), setup()).figures()
    assert not figures["keeps_up"]
    # Read without a pause: r of each second, until the last run that has ended.
    assert figures["landed"] == pytest.approx(DAY * 100, rel=0.35)
    assert figures["lag_at_end"] > figures["lag_at_start"] + DAY


def test_a_night_without_messages_costs_its_empty_runs() -> None:
    played = play(Arrivals(24_000, (0,) * 23 + (1,)), setup(every=3_600, start_seconds=5))
    assert sum(run.messages == 0 for run in played.runs[1:24]) == 23
    assert all(run.end - run.start == pytest.approx(5) for run in played.runs[1:24])


@pytest.mark.parametrize(
    ("name", "value"),
    [("every", 0), ("slices", 0), ("batch_messages", -1), ("rows_per_second", 0), ("ceiling", math.nan),
     ("load_seconds", -1), ("merge_seconds", math.inf)],
)  # fmt: skip
def test_a_setup_that_cannot_be_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}={value}"):
        setup(**{name: value})


def test_numbers_and_times_are_read() -> None:
    assert [count(text) for text in ("250000", "1.5k", "100M", "10B", "1_000")] == [
        250_000,
        1_500,
        10**8,
        10**10,
        1_000,
    ]
    assert [seconds(text) for text in ("90", "90s", "15m", "1h", "0")] == [90, 90, 900, 3_600, 0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--messages-per-day", "lots"], "'lots' is no number"),
        (["--messages-per-day", "0"], "'0' is no number from 1 on"),
        (["--every", "now"], "'now' is no time such as"),
        (["--every", "2s"], "from 10 s to a day"),
        (["--curve", "hills"], "'hills' is no curve"),
        (["--slices", "0"], "slices=0"),
        (["--slices", "two"], "two"),
        (["--picture", "nowhere/lag.svg"], "No such file or directory"),
        (["--lag"], "--lag"),
    ],
    ids=str,
)
def test_bad_input_is_named(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_command_line_tells_and_draws(tmp_path: Path) -> None:
    picture = tmp_path / "lag.svg"
    command = [sys.executable, "-m", "benchmarks.simulate", "--messages-per-day", "50M", "--json"]
    done = subprocess.run([*command, "--picture", str(picture)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert (found["arrived"], found["runs"], found["keeps_up"]) == (50_000_000, 96, True)
    assert picture.read_text("utf-8").startswith("<svg")


def test_a_day_that_does_not_keep_up_ends_with_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="does not keep up: more slices"):
        main(["--messages-per-day", "100M", "--rows-per-second", "500", "--curve", "flat"])
    assert "worst lag" in capsys.readouterr().out
