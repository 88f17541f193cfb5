BEGIN TRANSACTION;
UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), updated_at = CURRENT_TIMESTAMP(), updated_by = 'airflow shop.orders'
WHERE pipeline = 'cluster-1/shop.orders';
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders' AND revision = 18) = 1, 1, CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS found;
INSERT INTO `demo`.`analytics`.`orders` (`payload`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`, `theirs`)
SELECT `payload`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`, `theirs` FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B WHERE B._kafka_bq_part = '2026-01-31T00:00:00+00:00' AND NOT B._kafka_bq_kept;
DELETE FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B WHERE B._kafka_bq_part = '2026-01-31T00:00:00+00:00';
COMMIT TRANSACTION;
