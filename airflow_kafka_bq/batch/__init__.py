"""What travels between the stations: frozen values, each with its Kafka coordinates."""

from airflow_kafka_bq.batch.arrow import DEAD_LETTER_SCHEMA, HEADERS, RAW_SCHEMA, row_numbers
from airflow_kafka_bq.batch.coordinates import (
    Bounds,
    Committed,
    Gap,
    GroupFacts,
    GroupMember,
    OffsetRange,
    Polled,
    Position,
    TopicFacts,
)
from airflow_kafka_bq.batch.jobs import ColumnBounds, Failure, JobResult, Recent, RunContext
from airflow_kafka_bq.batch.letters import LETTER_SCHEMA, REDRIVEN, LetterPlace
from airflow_kafka_bq.batch.travel import (
    Applied,
    Decoded,
    Kind,
    LedgerRow,
    Outcome,
    PartitionPlan,
    Portion,
    RawBatch,
    RunPlan,
    Staged,
    StagedTable,
)

__all__ = [
    "DEAD_LETTER_SCHEMA",
    "HEADERS",
    "LETTER_SCHEMA",
    "RAW_SCHEMA",
    "REDRIVEN",
    "Applied",
    "Bounds",
    "ColumnBounds",
    "Committed",
    "Decoded",
    "Failure",
    "Gap",
    "GroupFacts",
    "GroupMember",
    "JobResult",
    "Kind",
    "LedgerRow",
    "LetterPlace",
    "OffsetRange",
    "Outcome",
    "PartitionPlan",
    "Polled",
    "Portion",
    "Position",
    "RawBatch",
    "Recent",
    "RunContext",
    "RunPlan",
    "Staged",
    "StagedTable",
    "TopicFacts",
    "row_numbers",
]
