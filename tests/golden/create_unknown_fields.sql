CREATE TABLE IF NOT EXISTS `demo`.`analytics`.`orders` (
  `order_id` INT64 NOT NULL,
  `total` BIGNUMERIC,
  `_unknown_fields` JSON OPTIONS(description='Fields of the message that no column takes'),
  `_kafka_topic` STRING NOT NULL OPTIONS(description='Kafka topic'),
  `_kafka_partition` INT64 NOT NULL OPTIONS(description='Partition of the topic'),
  `_kafka_offset` INT64 NOT NULL OPTIONS(description='Offset in the partition'),
  `_kafka_timestamp` TIMESTAMP NOT NULL OPTIONS(description='Timestamp of the message; 1970-01-01 where it has none or one outside 1960-2159'),
  `_kafka_key` STRING OPTIONS(description='Key of the message'),
  `_kafka_headers` ARRAY<STRUCT<`key` STRING, `value` BYTES>> OPTIONS(description='Headers of the message, in order'),
  `_ingested_at` TIMESTAMP OPTIONS(description='When the row was written or replaced, by BigQuery\'s clock')
)
PARTITION BY DATE(`_kafka_timestamp`)
CLUSTER BY `_kafka_partition`, `_kafka_offset`
