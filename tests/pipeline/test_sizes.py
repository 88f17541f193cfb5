"""What ``batch_bytes`` and ``max_bytes`` count: keys, values and headers, and nothing that is not there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_kafka_bq.pipeline.sizes import payload_bytes
from tests.pipeline.decoding import Message, raw
from tests.pipeline.world import World

BYTES = st.none() | st.binary(max_size=20)
HEADERS = st.none() | st.lists(st.tuples(st.text(max_size=5), BYTES), max_size=3)


@given(st.lists(st.builds(Message, BYTES, BYTES, headers=HEADERS), max_size=10))
def test_bytes_of_keys_values_and_headers(messages: list[Message]) -> None:
    wanted = 0
    for one in messages:
        wanted += len(one.value or b"") + len(one.key or b"")
        wanted += sum(len(name.encode()) + len(value or b"") for name, value in one.headers or ())
    assert payload_bytes(raw(messages)) == wanted


def test_a_slice_counts_its_own_messages() -> None:
    messages = [Message(b"x" * 10, headers=[("h", b"12345")]), Message(b"y", headers=[("i", b"1")])]
    assert payload_bytes(raw(messages, chunk=9).slice(1)) == 3


def test_they_close_batches_and_end_a_run() -> None:
    """To the poll that reaches them: a thousand messages are taken at a time."""
    world = World(1)
    for _ in range(3_500):
        world.send(b'"%s"' % (b"x" * 98))
    report = world.run(batch_bytes=50_000, max_bytes=150_000)
    assert [row["messages"] for row in world.history()] == [1_000, 1_000]
    assert (str(report.outcome), report.messages) == ("limit", 2_000)
