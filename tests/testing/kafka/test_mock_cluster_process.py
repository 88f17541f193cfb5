from __future__ import annotations

import io
import json

import pytest

from airflow_kafka_bq.testing.kafka.mock_cluster import librdkafka_path
from airflow_kafka_bq.testing.kafka.mock_cluster_process import serve


def test_each_command_gets_one_answer_with_its_id(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = [
        {"id": 4, "call": "topic_create", "arguments": ["t", 2, 1]},
        {"id": 5, "call": "topic_create", "arguments": ["t", 2, 1]},
        {"id": 6, "call": "start_request_tracking", "arguments": []},
        {"id": 7, "call": "requests", "arguments": []},
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(json.dumps(each) + "\n" for each in commands)))
    assert serve(str(librdkafka_path()), 3) == 0
    hello, *answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(hello["bootstrap"].split(",")) == 3
    already_exists = 36
    assert answers == [
        {"id": 4, "code": 0, "result": None},
        {"id": 5, "code": already_exists, "result": None},
        {"id": 6, "code": 0, "result": None},
        {"id": 7, "code": 0, "result": []},
    ]


def test_a_library_without_mock_cluster_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve("libc.so.6", 1) == 1
    assert "rd_kafka" in json.loads(capsys.readouterr().out)["unavailable"]
