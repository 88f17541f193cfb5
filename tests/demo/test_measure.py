"""Figures that are not as they should be are named."""

from __future__ import annotations

from airflow_kafka_bq.demo.measure import Figures


def test_equal_figures_do_not_differ() -> None:
    assert Figures(1, 2, 3, 4, 5, 6, 7).differences(Figures(1, 2, 3, 4, 5, 6, 7)) == []


def test_each_figure_that_differs_is_named_with_both_values() -> None:
    found = Figures(None, 18_801, 18_800, 1, 5, 6, 7).differences(Figures(20_000, 18_800, 18_800, 0, 5, 6, 7))
    assert found == ["read: none instead of 20,000", "rows: 18,801 instead of 18,800", "duplicates: 1 instead of 0"]
