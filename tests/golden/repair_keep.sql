BEGIN TRANSACTION;
UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), updated_at = CURRENT_TIMESTAMP(), updated_by = 'airflow shop.orders'
WHERE pipeline = 'cluster-1/shop.orders';
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders' AND revision = 18) = 1, 1, CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS found;
INSERT INTO `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` (`order_id`, `updated_at`, `sequence`, `total`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`, `theirs`, _kafka_bq_part, _kafka_bq_kept)
SELECT `order_id`, `updated_at`, `sequence`, `total`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`, `theirs`, '2026-01-31T00:00:00+00:00', _kafka_bq_place = 1
FROM (SELECT `order_id`, `updated_at`, `sequence`, `total`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`, `theirs`, ROW_NUMBER() OVER (PARTITION BY R.`order_id`, R.`sequence` ORDER BY IF(R._kafka_bq_log = 1, 0, 1), R.`_kafka_timestamp` ASC NULLS FIRST, R.`_kafka_partition` ASC NULLS FIRST, R.`_kafka_topic` ASC NULLS FIRST, R.`_kafka_offset` ASC NULLS FIRST, R.`_ingested_at`) AS _kafka_bq_place
FROM (
  SELECT T.*, ROW_NUMBER() OVER (PARTITION BY T.`order_id`, T.`sequence`, T.`_kafka_topic`, T.`_kafka_partition` ORDER BY T.`_kafka_offset` ASC NULLS FIRST, T.`_kafka_timestamp` ASC, T.`_ingested_at`) AS _kafka_bq_log
  FROM `demo`.`analytics`.`orders` AS T
  WHERE (T.`_kafka_timestamp` >= TIMESTAMP '2026-01-31 00:00:00.000000+00:00' AND T.`_kafka_timestamp` < TIMESTAMP '2026-02-01 00:00:00.000000+00:00') AND T.`order_id` IS NOT NULL AND T.`sequence` IS NOT NULL
  QUALIFY COUNT(*) OVER (PARTITION BY T.`order_id`, T.`sequence`) > 1 AND MIN(TIMESTAMP_TRUNC(T.`_kafka_timestamp`, DAY)) OVER (PARTITION BY T.`order_id`, T.`sequence`) = TIMESTAMP '2026-01-31 00:00:00.000000+00:00') AS R);
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders` AS T WHERE (T.`_kafka_timestamp` >= TIMESTAMP '2026-01-31 00:00:00.000000+00:00' AND T.`_kafka_timestamp` < TIMESTAMP '2026-02-01 00:00:00.000000+00:00') AND EXISTS (SELECT 1 FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B WHERE B._kafka_bq_part = '2026-01-31T00:00:00+00:00' AND B.`order_id` = T.`order_id` AND B.`sequence` = T.`sequence`)) = (SELECT COUNT(*) FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B WHERE B._kafka_bq_part = '2026-01-31T00:00:00+00:00'), 1, CAST(ERROR('kafka-bq: rows would be deleted that are not in the backup') AS INT64)) AS saved;
DELETE FROM `demo`.`analytics`.`orders` AS T
WHERE (T.`_kafka_timestamp` >= TIMESTAMP '2026-01-31 00:00:00.000000+00:00' AND T.`_kafka_timestamp` < TIMESTAMP '2026-02-01 00:00:00.000000+00:00') AND EXISTS (SELECT 1 FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B WHERE B._kafka_bq_part = '2026-01-31T00:00:00+00:00' AND B.`order_id` = T.`order_id` AND B.`sequence` = T.`sequence`);
INSERT INTO `demo`.`analytics`.`orders` (`order_id`, `updated_at`, `sequence`, `total`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`, `theirs`)
SELECT `order_id`, `updated_at`, `sequence`, `total`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`, `theirs` FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B WHERE B._kafka_bq_part = '2026-01-31T00:00:00+00:00' AND B._kafka_bq_kept;
COMMIT TRANSACTION;
