from __future__ import annotations

from airflow_kafka_bq.pipeline.copied import LetterCopies
from airflow_kafka_bq.pipeline.report import RunReport


def test_the_report_tells_of_copies_where_some_were_asked_for() -> None:
    report = RunReport("t", "p.d.t", "g")
    assert "dead_letter_copies" not in report.to_json()
    report.copies = LetterCopies("t.dead", 3, 1, "no answer")
    assert report.to_json()["dead_letter_copies"] == {
        "topic": "t.dead", "copied": 3, "waiting": 1, "error": "no answer",
    }  # fmt: skip
