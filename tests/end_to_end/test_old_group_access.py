"""An old group that the login may not delete: the brokers are asked before anything moves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_kafka_bq.testing.kafka import KafkaBroker, allow, create_topic, warm_up
from tests.end_to_end.elsewhere import pipe_on
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.test_migration import commit_old

OLD = "old-of-alice"


@pytest.mark.slow
@pytest.mark.fault("R6")
def test_without_the_permission_to_delete_nothing_moves_and_with_it_all_does(pipe: Callable[..., Pipe]) -> None:
    with KafkaBroker(users={"alice": "canary-of-alice"}, acl=True) as guarded:
        create_topic(guarded.bootstrap, "warm-up")
        warm_up(guarded.bootstrap, "warm-up")
        made = pipe_on(guarded, pipe, 2, kafka=guarded.sasl_settings("alice"))
        made.produce_ten()
        commit_old([made], {made.topic: {0: 2, 1: 3}}, OLD)
        for group_id in (made.group_id, OLD):
            allow(guarded.bootstrap, "alice", "READ", topic=made.topic, group_id=group_id)
        migrate = ("migrate-group", "--from-group", OLD, str(made.path), "--delete-old")
        failure = made.json(*migrate)
        assert (failure["error"], failure["group_id"]) == ("AccessDeniedError", OLD)
        assert f"lacks DELETE on the old group {OLD}" in failure["message"]
        assert f"--operation Delete --group {OLD}" in failure["remedy"]
        assert (made.committed(), made.tables()) == ({}, set())
        assert not list(made.folder.glob("*.undo.json"))
        assert made.json(*migrate[:-1], "--dry-run")["old_group"] == "kept"
        allow(guarded.bootstrap, "alice", "DELETE", group_id=OLD)
        assert made.json(*migrate)["old_group"] == "deleted"
        assert made.ledger() == made.committed() == {0: 2, 1: 3}
        assert made.json(*migrate)["old_group"] == "deleted", "run twice"
