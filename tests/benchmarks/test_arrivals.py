"""A day's arrivals: none is lost between the parts of the day, and what has come by when can be asked both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.arrivals import CURVES, DAY, Arrivals, curve

WEIGHTS = st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any).map(lambda found: tuple(map(float, found)))


@given(st.integers(1, 10**10), WEIGHTS, st.integers(0, 3))
def test_a_day_has_its_messages(messages: int, weights: tuple[float, ...], days: int) -> None:
    assert Arrivals(messages, weights).by(days * DAY) == days * messages


@given(st.integers(1, 10**8), WEIGHTS, st.lists(st.floats(0, 2 * DAY), min_size=2, max_size=9))
def test_what_has_come_never_goes(messages: int, weights: tuple[float, ...], times: list[float]) -> None:
    arrivals = Arrivals(messages, weights)
    found = [arrivals.by(at) for at in sorted(times)]
    assert found == sorted(found)


@given(st.integers(1, 10**8), WEIGHTS, st.floats(0, 2, exclude_max=True))
def test_a_message_is_there_from_its_time_on(messages: int, weights: tuple[float, ...], share: float) -> None:
    arrivals = Arrivals(messages, weights)
    number = int(share * messages)
    at = arrivals.at(number)
    assert arrivals.by(at + 1e-3 * DAY / messages + 1e-6) >= number
    assert arrivals.by(max(0.0, at - 1e-3)) <= number + 1e-3 * arrivals.peak() + 1


def test_flat_is_even() -> None:
    flat = curve("flat", DAY)
    assert [flat.by(at) for at in (0, 1, 3_600, DAY / 2, 2 * DAY)] == [0, 1, 3_600, DAY / 2, 2 * DAY]
    assert flat.at(100) == pytest.approx(100)
    assert flat.peak() == pytest.approx(1)


def test_the_peak_is_that_of_the_busiest_part() -> None:
    assert Arrivals(DAY, (0, 1)).peak() == pytest.approx(2)
    assert Arrivals(DAY, (0, 1)).by(DAY / 2) == 0
    assert Arrivals(DAY, (0, 1)).at(0) == pytest.approx(DAY / 2)


@pytest.mark.parametrize("name", CURVES)
def test_named_curves_have_the_hours_of_a_day(name: str) -> None:
    assert len(curve(name, 100).weights) == 24


@pytest.mark.parametrize(
    ("name", "messages", "said"),
    [("hills", 5, "no curve: flat, shop, burst"), ("1,,2", 5, "no curve"), ("0,0", 5, "one is above"),
     ("1,-1", 5, "at least 0"), ("1,nan", 5, "weights"), ("1,inf", 5, "weights"), ("flat", 0, "at least one")],
)  # fmt: skip
def test_what_is_no_day_is_refused(name: str, messages: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        curve(name, messages)
