BEGIN TRANSACTION;
UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), updated_at = CURRENT_TIMESTAMP(), updated_by = 'airflow shop.orders'
WHERE pipeline = 'cluster-1/shop.orders';
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders' AND revision = 18) = 1, 1, CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS pipelines,
  IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_dead_0`) = 2, 1, CAST(ERROR('kafka-bq: staging table does not hold the batch') AS INT64)) AS staged_letters,
  IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__dead_letters` AS T JOIN (SELECT 'shop.orders' AS `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `stage`, `reason`, `error`, `schema_id` FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_dead_0`) AS S
  ON T.`_kafka_topic` = S.`_kafka_topic`
  AND T.`_kafka_partition` = S.`_kafka_partition`
  AND T.`_kafka_offset` = S.`_kafka_offset`
  AND T.`_kafka_timestamp` = S.`_kafka_timestamp`
  AND (T.`_kafka_timestamp` >= TIMESTAMP '2026-01-31 00:00:00.000000+00:00' AND T.`_kafka_timestamp` < TIMESTAMP '2026-02-01 00:00:00.000000+00:00')
  AND T.`_kafka_partition` IN (0)
  AND T.`_kafka_offset` BETWEEN 40 AND 99
  AND T.`redriven_at` IS NULL AND T.`stage` != 'lost') = 3, 1, CAST(ERROR('kafka-bq: dead letters moved') AS INT64)) AS letters;
MERGE `demo`.`analytics`.`orders__dead_letters` T
USING (
  SELECT 'shop.orders' AS `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `stage`, `reason`, `error`, `schema_id` FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_dead_0`
) S
ON T.`_kafka_topic` = S.`_kafka_topic`
  AND T.`_kafka_partition` = S.`_kafka_partition`
  AND T.`_kafka_offset` = S.`_kafka_offset`
  AND T.`_kafka_timestamp` = S.`_kafka_timestamp`
  AND (T.`_kafka_timestamp` >= TIMESTAMP '2026-01-31 00:00:00.000000+00:00' AND T.`_kafka_timestamp` < TIMESTAMP '2026-02-01 00:00:00.000000+00:00')
  AND T.`_kafka_partition` IN (0)
  AND T.`_kafka_offset` BETWEEN 40 AND 99
WHEN MATCHED AND T.`redriven_at` IS NULL AND T.`stage` != 'lost' AND S.`stage` = 'redriven' THEN UPDATE SET `redriven_at` = CURRENT_TIMESTAMP()
WHEN MATCHED AND T.`redriven_at` IS NULL AND T.`stage` != 'lost' THEN UPDATE SET `stage` = S.`stage`, `reason` = S.`reason`, `error` = S.`error`, `schema_id` = S.`schema_id`, `batch_id` = '0123456789abcdef0123', `failed_at` = CURRENT_TIMESTAMP();
INSERT INTO `demo`.`analytics`.`orders__batches` (pipeline, revision, batch_id, kind, ranges, messages, rows_staged, dead_lettered, ignored, load_job_ids, merge_job_id, dag_id, task_id, run_id, try_number, started_at, applied_at)
VALUES ('cluster-1/shop.orders', 18, '0123456789abcdef0123', 'redrive', ARRAY<STRUCT<`partition` INT64, start_offset INT64, end_offset INT64>>[(0, 0, 100), (3, 7, 9)], 3, 0, 2, 0, ARRAY<STRING>[], 'kafka-bq-merge-0123456789abcdef0123-17-0', 'shop', 'orders', 'manual__2026-01-31', 2, TIMESTAMP '2026-01-31 06:00:00.000000+00:00', CURRENT_TIMESTAMP());
COMMIT TRANSACTION;
