"""What administrators do to a topic and its group while it is read."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import add_partitions, create_topic, delete_records, delete_topic
from tests.campaign import log_reading
from tests.campaign.diary import Diary
from tests.campaign.ground import Ground
from tests.campaign.oracle import Life
from tests.campaign.producer import ProducerProcess
from tests.end_to_end.pipe import Pipe

_SECONDS = 30.0


@dataclass
class TopicChanges:
    """Changes of one pipe's topic. Only while its brokers are well: the harness asks them."""

    ground: Ground
    pipe: Pipe
    producer: ProducerProcess
    draw: random.Random
    diary: Diary
    lives: list[Life] = field(default_factory=lambda: [Life()])
    logs: list[log_reading.Log] = field(default_factory=list)

    @property
    def life(self) -> int:
        """Which life of the topic it is."""
        return len(self.lives) - 1

    def keep_log(self) -> log_reading.Log:
        """Read the topic before something of it goes."""
        log = log_reading.read(self.pipe.bootstrap, self.pipe.topic, self.pipe.partitions, self.life)
        self.logs.append(log)
        return log

    def delete_records(self) -> None:
        """As retention does, sometimes over what was not read yet."""
        bounds = self.keep_log().bounds
        part = self.draw.choice(list(bounds))
        start, end = bounds[part]
        if start < end:
            before = end if self.draw.random() < 0.5 else self.draw.randint(start + 1, end)
            delete_records(self.pipe.bootstrap, self.pipe.topic, {part: before})
            self.diary.fault("topic: records deleted", f"partition {part} before {before}")

    def add_partition(self) -> None:
        """One more, which gets messages at once."""
        self.pipe.partitions += 1
        add_partitions(self.pipe.bootstrap, self.pipe.topic, self.pipe.partitions)
        self.producer.tell("partitions", self.pipe.partitions)
        self.diary.fault("topic: partition added", f"now {self.pipe.partitions}")

    def delete_group(self) -> None:
        """Kafka's copy of the position goes, as it does after seven days without a commit."""
        admin = AdminClient({"bootstrap.servers": self.pipe.bootstrap, "log_level": 3})
        futures = admin.delete_consumer_groups([self.pipe.group_id], request_timeout=_SECONDS)
        error = futures[self.pipe.group_id].exception(_SECONDS)
        self.diary.fault("group: deleted", f"({error})" if error else "")

    def create_again(self) -> None:
        """Another topic of the same name. Nothing is produced meanwhile: it would go to neither."""
        self.producer.tell("pause")
        self.keep_log()
        delete_topic(self.pipe.bootstrap, self.pipe.topic)
        replicas = min(3, len(self.ground.kafka.node_ids))
        create_topic(self.pipe.bootstrap, self.pipe.topic, self.pipe.partitions, replication_factor=replicas)
        self.diary.fault("topic: created again")

    def start_over(self) -> None:
        """As the page about operations says: forget positions, topic and table; delete the group."""
        done, revision = self.pipe.ledger(), self.pipe.revision()
        self.pipe.query(
            f"UPDATE {self.pipe.name('__ledger')} SET revision = revision + 1, updated_at = CURRENT_TIMESTAMP(), "
            "updated_by = 'started over by hand', topic_id = NULL, target_created_at = NULL, "
            "positions = ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>[] "
            f"WHERE pipeline LIKE '%/{self.pipe.topic}'"
        )
        self.delete_group()
        self.lives[-1:] = [Life(done, datetime.now(UTC), revision), Life()]
        self.producer.tell("life", self.life)
        self.diary.note(f"started over; the first life was read up to {done}")
