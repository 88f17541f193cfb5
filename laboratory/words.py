"""The sentences of the page. What is in braces comes from the result; line breaks here mean nothing."""

from __future__ import annotations

import textwrap
from typing import Any

INTRODUCTION = """
A team put many topics into one consumer group of short-lived batch consumers, and then moved to a group for each
topic. Both halves are played here on a real Apache Kafka broker. This page and its pictures are written by `make
story` from `laboratory/result.json`; how it is done is in [the laboratory](../laboratory/README.md).
"""
COMPARED = """
{topics} topics with {partitions} partitions; {messages_per_second} messages a second go into each partition, for
{seconds:g} seconds. Every {period:g} seconds a consumer is started for each topic, unless the one before still runs;
the starts are spread. Whoever has a batch needs {stage:g} s to stage and {merge:g} s to merge it: a stand-in for
BigQuery that takes the same time in all set-ups. Each topic's consumers run in a
process of their own, each with a client of its own; the time of starting the process is left out in all set-ups.
"""
RULES = (
    """
    **shared**: all consumers are members of one group and subscribe to all topics; with each of three assignors, and
    with the protocol of KIP-848.
    """,
    """
    **shared, own topic each**: one group still, but a consumer subscribes to the topic that it is started for: what
    comes out where all tasks use one connection.
    """,
    "**group per topic**: a consumer subscribes to its topic, in the topic's own group.",
    """
    **ours**: the engine of this package. It assigns partitions, reads to the end that it saw when it started, and
    joins nothing.
    """,
)
MEMBERS = """
A member reads until no message has come for {quiet:g} s, or for {batch:g} s from its first message; then it writes,
commits and leaves. If it gets no message within {patience:g} s, it leaves. All settings of clients and broker that
matter are defaults, the broker's wait of 3 s for the members of an empty group among them. The first consumer gets a
lead of {lead:g} s over the others, for this wait's sake: each consumer that joins an empty group meanwhile begins it
anew.
"""
COLUMNS = (
    """
    *rebalances/min*: of groups that have members; *each*: those that a consumer goes through, on average. The one of
    its own join is among them.
    """,
    "*without*: share of the consumers' lives, from start to the end of their commit, in which they had no partition.",
    """
    *slowest*: position of the slowest partition when writing ended, as a share of the median; *still*: the longest
    time in which one partition did not move, while messages were written to it all the time.
    """,
    "*again*: messages that reached the writer once more. A MERGE on their key drops them; an append keeps them.",
    """
    *first*: from a consumer's start to its first message, median (consumers that got none wait longest) and longest
    of those that got one. *none*: consumers that got none.
    """,
    """
    *rows/min*: different messages that reached the table while messages were written, and their share of what was
    written.
    """,
)
PROGRESS = """
How many messages of a partition are in the table, without a hole, over the time in which messages were written. Each
step is a MERGE.
"""
REBALANCES = """
As the broker's coordinator wrote them down: each generation (classic) or epoch (KIP-848) of a group that had members.
A mark is one of them; on the right is their number.
"""
EXPECTED = """
The troubles of the story are: {troubles}. Of a shared group all of them are expected (the long wait for the first
message of the classic protocol alone), of classic groups per topic that consumers wait, of ours none. At the end a
consumer each period would have brought {reachable:.0%} of what was written: the newest messages are always on their
way.
"""
MIGRATION = """
{topics} topics with {messages:,} messages in all, on the local BigQuery. A consumer written by hand has appended
{loaded:,} of each topic to its table under the shared group; the commit of its last {uncommitted} was lost; {waiting}
wait. Then each topic gets a group of its own: by hand, as the team did it, with new groups,
`auto.offset.reset=earliest`, the same append and a clean-up with SQL; or by `kafka-bq migrate-group`, which puts the
old group's offsets into the ledger (`fence: ledger`), and runs whose MERGE knows the key.
"""
STEPS = """
Steps are counted while they are done. What a person needs for one is an estimate, the same for both ways: {command} s
to give a command and read what it says, {edit} s to change a file, {statement} s to write a statement and check it,
which for the other tables is given again as a command. The seconds that the commands then take are measured, and are
those of a local BigQuery; starting a consumer by hand runs it in this process, while each `kafka-bq` is a process of
its own.
"""
SUMMARY = """
From one shared group to a group for each topic, as a team did it by hand, and with `kafka-bq migrate-group`. `make
story` plays it on a real broker. Before, in the shared group, consumers were without a partition for {least:.0%} to
{most:.0%} of their lives, depending on the assignor; ours for {ours:.0%}. What else came out, with pictures, is in
[the story](docs/story.md).
"""
MACHINE = """
{processor}, {cores} cores shared by the broker and all consumers, {memory_gib} GiB, {system}. Load average before the
set-ups: {least:.1f} to {most:.1f}.{busy}
"""
ONCE = """
The whole took {seconds:.0f} s. Each set-up was played once, on topics and groups of its own; figures differ from run
to run.
"""


def wrapped(text: str, indent: str = "", **values: Any) -> str:
    """A paragraph in lines, its braces filled."""
    filled = text.format(**values) if values else text
    lines = textwrap.wrap(" ".join(filled.split()), 138, break_long_words=False, break_on_hyphens=False)
    return f"\n{indent}".join(lines)


def item(text: str, **values: Any) -> str:
    """The same, as an item of a list."""
    return f"- {wrapped(text, '  ', **values)}"
