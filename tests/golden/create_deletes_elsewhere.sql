CREATE TABLE IF NOT EXISTS `other-project`.`companions`.`orders__deletes` (`order_id` STRING, `sequence` INT64, `_kafka_topic` STRING, `_kafka_partition` INT64, `_kafka_offset` INT64, `_kafka_timestamp` TIMESTAMP, expires_at TIMESTAMP)
PARTITION BY DATE(expires_at)
CLUSTER BY `order_id`
OPTIONS(partition_expiration_days=1, kms_key_name='projects/demo/locations/eu/keyRings/ring/cryptoKeys/key')
