"""What histories must come to: the test of fixed seeds fails where one of these is never reached.

Events that a history tells of itself; the result file of ``python -m tests.histories`` has how often each was met.
"""

TOPICS = (
    "partition added", "compaction left holes", "retention took unread messages", "a gap was recorded",
    "log truncated", "log truncated below the position", "topic deleted", "topic created again",
    "transaction committed", "transaction aborted",
    "brokers: down", "brokers: silent", "brokers: no leader",
)  # fmt: skip
GROUPS = (
    "offsets expired", "group set back", "group set forward", "position of another tool adopted",
    "position of another tool lies beyond the end", "a commit had no answer", "a late commit arrived",
    "a commit of before arrived",
)  # fmt: skip
TABLES = (
    "target dropped", "all tables dropped", "target created again", "target restored", "restored table accepted",
    "started over", "started over with a run overlooked", "staging tables expired", "staging tables dropped",
    "dead letters written", "rows replaced", "rows marked", "tombstones ignored", "read again without effect",
    "everything was read again", "dead letters were redriven", "dead letters became rows", "dead letters failed again",
    "a redrive found nothing", "duplicates looked for nearby", "a table of an older model",
)  # fmt: skip
JOBS = (
    "load attached to an earlier job", "load attached to an earlier job that failed",
    "merge attached to an earlier job", "merge attached to an earlier job that failed",
    "merge cancelled by another transaction", "merge fenced out",
)  # fmt: skip
RUNS = (
    "planned anew", "a run ended after another's batch", "a run applied a batch after another's",
    "zombies woke when all was over", "a window of offsets was read", "a window of times was read",
    "ended well: end", "ended well: limit", "ended well: stopped", "ended well: window",
)  # fmt: skip
ERRORS = (
    "AccessDeniedError", "BadMessagesError", "GroupInUseError", "KafkaUnavailableError", "MergeConflictError",
    "MergeRejectedError", "NotFoundError", "OffsetGapError", "PositionConflictError", "StalledError",
    "TargetChangedError", "TopicChangedError", "WarehouseUnavailableError",
)  # fmt: skip
BOUNDARIES = (
    "start", "describe", "topic_id", "committed", "ledger", "group", "bounds", "table", "create", "create_dead_letters",
    "create_ledger", "register", "place", "poll", "load", "load runs", "estimate", "merge", "merge executes",
    "merge commits", "drop", "commit", "letters",
)  # fmt: skip
CALLS = (
    "describe", "committed", "group", "bounds", "offsets_at", "poll", "commit", "create", "add_columns",
    "create_ledger", "create_dead_letters", "register", "place", "table", "ledger", "applied", "row_count", "estimate",
    "probe", "load", "merge", "letters",
)  # fmt: skip
CORNERS = (
    *TOPICS, *GROUPS, *TABLES, *JOBS, *RUNS,
    *(f"ended by {name}" for name in ERRORS),
    *(f"killed at {name}" for name in BOUNDARIES),
    *(f"{name} fails" for name in CALLS),
)  # fmt: skip
