"""The table of parameters says of each what it means."""

from __future__ import annotations

from airflow_kafka_bq.config import JobConfig
from airflow_kafka_bq.config.parameters import Parameters
from tools.reference.parameters import meanings


def test_each_parameter_has_its_meaning_under_it() -> None:
    said = meanings()
    assert list(said) == list(Parameters.model_fields)
    assert [name for name, text in said.items() if not (text[0].isupper() or text[0] == "`") or text[-1] != "."] == []


def test_a_job_has_no_parameter_of_its_own() -> None:
    assert list(JobConfig.model_fields) == list(Parameters.model_fields)
