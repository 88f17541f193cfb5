BEGIN TRANSACTION;
UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), batch_id = '0123456789abcdef0123', job_id = 'kafka-bq-merge-0123456789abcdef0123-17-0', positions = ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>[(0, 100, 4), (3, 9, 1)], updated_at = CURRENT_TIMESTAMP(), updated_by = 'airflow shop.orders'
WHERE pipeline = 'cluster-1/shop.orders';
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders' AND revision = 18) = 1, 1, CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS pipelines,
  IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_rows_0`) = 1, 1, CAST(ERROR('kafka-bq: staging table does not hold the batch') AS INT64)) AS staged_rows;
MERGE `demo`.`analytics`.`orders` T
USING (
  SELECT * FROM (
    SELECT * FROM (SELECT R.`order_id` AS `order_id`, R.`updated_at` AS `updated_at`, R.`sequence` AS `sequence`, R.`total` AS `total`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_kafka_key` AS `_kafka_key`, R.`_kafka_headers` AS `_kafka_headers`, R.`_row` FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_rows_0` AS R)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id`, `_kafka_partition` ORDER BY `_kafka_offset` ASC) = 1
  )
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_kafka_timestamp` ASC, `_kafka_partition` ASC) = 1
) S
ON T.`order_id` = S.`order_id`
  AND (T.`_PARTITIONTIME` >= TIMESTAMP '2026-01-24 06:00:00.000000+00:00' OR T.`_PARTITIONTIME` IS NULL)
WHEN NOT MATCHED THEN INSERT (`order_id`, `updated_at`, `sequence`, `total`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`) VALUES (S.`order_id`, S.`updated_at`, S.`sequence`, S.`total`, S.`_kafka_topic`, S.`_kafka_partition`, S.`_kafka_offset`, S.`_kafka_timestamp`, S.`_kafka_key`, S.`_kafka_headers`, CURRENT_TIMESTAMP());
INSERT INTO `demo`.`analytics`.`orders__batches` (pipeline, revision, batch_id, kind, ranges, messages, rows_staged, dead_lettered, ignored, load_job_ids, merge_job_id, dag_id, task_id, run_id, try_number, started_at, applied_at)
VALUES ('cluster-1/shop.orders', 18, '0123456789abcdef0123', 'live', ARRAY<STRUCT<`partition` INT64, start_offset INT64, end_offset INT64>>[(0, 0, 100), (3, 7, 9)], 1, 1, 0, 0, ARRAY<STRING>['kafka-bq-load-0123456789abcdef0123-rows-0'], 'kafka-bq-merge-0123456789abcdef0123-17-0', 'shop', 'orders', 'manual__2026-01-31', 2, TIMESTAMP '2026-01-31 06:00:00.000000+00:00', CURRENT_TIMESTAMP());
COMMIT TRANSACTION;
