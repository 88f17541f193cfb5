CREATE TABLE IF NOT EXISTS `demo`.`analytics`.`orders` (
  `id` INT64,
  `f` FLOAT64,
  `ok` BOOL,
  `b` BYTES,
  `d` DATE,
  `ts` TIMESTAMP,
  `n` NUMERIC,
  `bn` BIGNUMERIC,
  `t` TIME,
  `dt` DATETIME,
  `j` JSON,
  `tags` ARRAY<STRING>,
  `times` ARRAY<TIME>,
  `plain` STRUCT<`a` INT64, `b` STRING>,
  `mixed` STRUCT<`a` DATETIME, `b` JSON, `c` BYTES>,
  `lines` ARRAY<STRUCT<`sku` STRING, `price` BIGNUMERIC, `marks` ARRAY<JSON>, `moment` STRUCT<`day` DATE, `time` TIME>>>,
  `_kafka_topic` STRING NOT NULL OPTIONS(description='Kafka topic'),
  `_kafka_partition` INT64 NOT NULL OPTIONS(description='Partition of the topic'),
  `_kafka_offset` INT64 NOT NULL OPTIONS(description='Offset in the partition'),
  `_kafka_timestamp` TIMESTAMP NOT NULL OPTIONS(description='Timestamp of the message; 1970-01-01 where it has none or one outside 1960-2159'),
  `_kafka_key` STRING OPTIONS(description='Key of the message'),
  `_kafka_headers` ARRAY<STRUCT<`key` STRING, `value` BYTES>> OPTIONS(description='Headers of the message, in order'),
  `_ingested_at` TIMESTAMP OPTIONS(description='When the row was written or replaced, by BigQuery\'s clock')
)
PARTITION BY DATE(`_kafka_timestamp`)
CLUSTER BY `id`
OPTIONS(expiration_timestamp=TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 131400 SECOND), partition_expiration_days=90.0, require_partition_filter=TRUE, description='It\'s\nthe `orders`; -- all of them', labels=[('env', 'test'), ('team', 'shop')], kms_key_name='projects/demo/locations/eu/keyRings/ring/cryptoKeys/key')
