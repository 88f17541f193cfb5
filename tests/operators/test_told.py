"""What a task tells while it runs: report, links, log."""

from __future__ import annotations

from tests.operators.conftest import Wings, task


def test_a_run_returns_the_report_and_tells_its_links(wings: Wings) -> None:
    wings.fill(10)
    found = wings.run(lambda: task(topic=wings.topic, table=wings.table, batch_messages=4))
    assert found.state == "success"
    assert (found.report["outcome"], found.report["messages"], found.report["batches"]) == ("end", 10, 3)
    assert found.report["rows"]["inserted"] == wings.rows() == 10
    assert set(found.links) == {"kafka_bq_target_table", "kafka_bq_merge_job", "kafka_bq_load_job"}
    assert found.report["jobs"][-1] in str(found.links["kafka_bq_merge_job"])
    assert found.report["jobs"][-2] in str(found.links["kafka_bq_load_job"])
    assert f"d={wings.dataset}&t=target" in str(found.links["kafka_bq_target_table"])


def test_the_log_has_a_group_for_each_batch_and_one_summary(wings: Wings) -> None:
    wings.fill(10)
    wings.run(lambda: task(topic=wings.topic, table=wings.table, batch_messages=4))
    lines = [record.getMessage() for record in wings.log.records]
    groups = [line for line in lines if line.startswith("::group::Batch")]
    assert groups == [f"::group::Batch {n + 1}: {count} inserted" for n, count in enumerate((4, 4, 2))]
    assert lines.count("::endgroup::") == 4
    (summary,) = (line for line in lines if "messages in 3 batches" in line)
    assert summary.startswith(f"{wings.topic} → demo.{wings.table}: 10 messages in 3 batches (10 inserted)")
