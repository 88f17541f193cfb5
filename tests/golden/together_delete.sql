BEGIN TRANSACTION;
UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), batch_id = '15514ac70a68a5638031', job_id = 'kafka-bq-merge-0123456789abcdef0123-17-0', positions = ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>[(0, 100, 4), (3, 9, 1)], updated_at = CURRENT_TIMESTAMP(), updated_by = 'airflow shop.orders'
WHERE pipeline = 'cluster-1/shop.orders';
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders' AND revision = 18) = 1, 1, CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS pipelines,
  IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0120_rows_0`) = 1, 1, CAST(ERROR('kafka-bq: staging table does not hold the batch') AS INT64)) AS staged_rows,
  IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0121_rows_0`) = 1, 1, CAST(ERROR('kafka-bq: staging table does not hold the batch') AS INT64)) AS staged_rows_1,
  IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0120_dead_0`) = 1, 1, CAST(ERROR('kafka-bq: staging table does not hold the batch') AS INT64)) AS staged_letters,
  IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0121_dead_0`) = 1, 1, CAST(ERROR('kafka-bq: staging table does not hold the batch') AS INT64)) AS staged_letters_1;
MERGE `demo`.`analytics`.`orders` T
USING (
  SELECT W.*, (M.`_kafka_offset` IS NULL OR IF(
    W.`_kafka_topic` = M.`_kafka_topic` AND W.`_kafka_partition` = M.`_kafka_partition`,
    W.`_kafka_offset` > M.`_kafka_offset`,
    W.`_kafka_timestamp` > M.`_kafka_timestamp` OR (W.`_kafka_timestamp` = M.`_kafka_timestamp` AND (
      W.`_kafka_partition` > M.`_kafka_partition`
      OR (W.`_kafka_partition` = M.`_kafka_partition` AND W.`_kafka_topic` > M.`_kafka_topic`))))) AS `_kafka_alive`,
    (M.`_kafka_offset` IS NULL OR IF(
    W.`_kafka_topic` = M.`_kafka_topic` AND W.`_kafka_partition` = M.`_kafka_partition`,
    W.`_kafka_offset` > M.`_kafka_offset`,
    W.`_kafka_timestamp` > M.`_kafka_timestamp` OR (W.`_kafka_timestamp` = M.`_kafka_timestamp` AND (
      W.`_kafka_partition` > M.`_kafka_partition`
      OR (W.`_kafka_partition` = M.`_kafka_partition` AND W.`_kafka_topic` > M.`_kafka_topic`))))) AND ((W.`sequence` > M.`sequence` OR (W.`sequence` IS NOT NULL AND M.`sequence` IS NULL)) OR ((W.`sequence` = M.`sequence` OR (W.`sequence` IS NULL AND M.`sequence` IS NULL)) AND TRUE)) AS `_kafka_admitted`
  FROM (
  SELECT * FROM (
    SELECT * FROM (SELECT R.`order_id` AS `order_id`, R.`updated_at` AS `updated_at`, R.`sequence` AS `sequence`, R.`total` AS `total`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_kafka_key` AS `_kafka_key`, R.`_kafka_headers` AS `_kafka_headers`, R.`_row` FROM (SELECT * FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0120_rows_0` UNION ALL SELECT * REPLACE(`_row` + 1 AS `_row`) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0121_rows_0`) AS R WHERE NOT R.`_tombstone`)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id`, `_kafka_partition` ORDER BY `sequence` DESC NULLS LAST, `_kafka_offset` DESC) = 1
  )
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `sequence` DESC NULLS LAST, `_kafka_timestamp` DESC, `_kafka_partition` DESC) = 1
  ) W
  LEFT JOIN (SELECT * FROM `demo`.`analytics`.`orders__deletes` WHERE `expires_at` > CURRENT_TIMESTAMP()) M
  ON M.`order_id` = W.`order_id`
) S
ON T.`order_id` = S.`order_id`
  AND T.`order_id` IN ('a-1', 'c-3')
  AND (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL)
WHEN MATCHED AND ((S.`sequence` > T.`sequence` OR (S.`sequence` IS NOT NULL AND T.`sequence` IS NULL)) OR ((S.`sequence` = T.`sequence` OR (S.`sequence` IS NULL AND T.`sequence` IS NULL)) AND (T.`_kafka_offset` IS NULL OR IF(
    S.`_kafka_topic` = T.`_kafka_topic` AND S.`_kafka_partition` = T.`_kafka_partition`,
    S.`_kafka_offset` > T.`_kafka_offset`,
    S.`_kafka_timestamp` > T.`_kafka_timestamp` OR (S.`_kafka_timestamp` = T.`_kafka_timestamp` AND (
      S.`_kafka_partition` > T.`_kafka_partition`
      OR (S.`_kafka_partition` = T.`_kafka_partition` AND S.`_kafka_topic` > T.`_kafka_topic`)))))))
  AND S.`_kafka_alive` THEN UPDATE SET `updated_at` = S.`updated_at`, `sequence` = S.`sequence`, `total` = S.`total`, `_kafka_topic` = S.`_kafka_topic`, `_kafka_partition` = S.`_kafka_partition`, `_kafka_offset` = S.`_kafka_offset`, `_kafka_timestamp` = S.`_kafka_timestamp`, `_kafka_key` = S.`_kafka_key`, `_kafka_headers` = S.`_kafka_headers`, `_ingested_at` = CURRENT_TIMESTAMP()
WHEN MATCHED AND ((S.`sequence` > T.`sequence` OR (S.`sequence` IS NOT NULL AND T.`sequence` IS NULL)) OR ((S.`sequence` = T.`sequence` OR (S.`sequence` IS NULL AND T.`sequence` IS NULL)) AND (T.`_kafka_offset` IS NULL OR IF(
    S.`_kafka_topic` = T.`_kafka_topic` AND S.`_kafka_partition` = T.`_kafka_partition`,
    S.`_kafka_offset` > T.`_kafka_offset`,
    S.`_kafka_timestamp` > T.`_kafka_timestamp` OR (S.`_kafka_timestamp` = T.`_kafka_timestamp` AND (
      S.`_kafka_partition` > T.`_kafka_partition`
      OR (S.`_kafka_partition` = T.`_kafka_partition` AND S.`_kafka_topic` > T.`_kafka_topic`)))))))
  AND NOT S.`_kafka_alive` THEN DELETE
WHEN NOT MATCHED AND S.`_kafka_admitted` THEN INSERT (`order_id`, `updated_at`, `sequence`, `total`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`) VALUES (S.`order_id`, S.`updated_at`, S.`sequence`, S.`total`, S.`_kafka_topic`, S.`_kafka_partition`, S.`_kafka_offset`, S.`_kafka_timestamp`, S.`_kafka_key`, S.`_kafka_headers`, CURRENT_TIMESTAMP());
MERGE `demo`.`analytics`.`orders__deletes` T
USING (
  SELECT * FROM (
    SELECT * FROM (SELECT R.`order_id` AS `order_id`, R.`sequence` AS `sequence`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_row` FROM (SELECT * FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0120_rows_0` UNION ALL SELECT * REPLACE(`_row` + 1 AS `_row`) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0121_rows_0`) AS R WHERE NOT R.`_tombstone`)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id`, `_kafka_partition` ORDER BY `sequence` DESC NULLS LAST, `_kafka_offset` DESC) = 1
  )
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `sequence` DESC NULLS LAST, `_kafka_timestamp` DESC, `_kafka_partition` DESC) = 1
) S
ON T.`order_id` = S.`order_id`
  AND T.`expires_at` > CURRENT_TIMESTAMP()
WHEN MATCHED AND ((S.`sequence` > T.`sequence` OR (S.`sequence` IS NOT NULL AND T.`sequence` IS NULL)) OR ((S.`sequence` = T.`sequence` OR (S.`sequence` IS NULL AND T.`sequence` IS NULL)) AND FALSE))
  AND NOT (T.`_kafka_offset` IS NULL OR IF(
    S.`_kafka_topic` = T.`_kafka_topic` AND S.`_kafka_partition` = T.`_kafka_partition`,
    S.`_kafka_offset` > T.`_kafka_offset`,
    S.`_kafka_timestamp` > T.`_kafka_timestamp` OR (S.`_kafka_timestamp` = T.`_kafka_timestamp` AND (
      S.`_kafka_partition` > T.`_kafka_partition`
      OR (S.`_kafka_partition` = T.`_kafka_partition` AND S.`_kafka_topic` > T.`_kafka_topic`))))) THEN UPDATE SET `sequence` = S.`sequence`;
MERGE `demo`.`analytics`.`orders__deletes` T
USING (
  SELECT D.*, V.`sequence`
  FROM (
  SELECT * FROM (
    SELECT * FROM (SELECT R.`order_id` AS `order_id`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_row` FROM (SELECT * FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0120_rows_0` UNION ALL SELECT * REPLACE(`_row` + 1 AS `_row`) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0121_rows_0`) AS R WHERE R.`_tombstone`)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id`, `_kafka_partition` ORDER BY `_kafka_offset` DESC) = 1
  )
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_kafka_timestamp` DESC, `_kafka_partition` DESC) = 1
  ) D
  LEFT JOIN (SELECT T.`order_id`, T.`_kafka_topic`, T.`_kafka_partition`, T.`_kafka_offset`, T.`_kafka_timestamp`, T.`sequence` FROM `demo`.`analytics`.`orders` AS T WHERE T.`order_id` IN ('a-1', 'c-3')) V
  ON V.`order_id` = D.`order_id`
  AND (V.`_kafka_offset` IS NULL OR IF(
    D.`_kafka_topic` = V.`_kafka_topic` AND D.`_kafka_partition` = V.`_kafka_partition`,
    D.`_kafka_offset` > V.`_kafka_offset`,
    D.`_kafka_timestamp` > V.`_kafka_timestamp` OR (D.`_kafka_timestamp` = V.`_kafka_timestamp` AND (
      D.`_kafka_partition` > V.`_kafka_partition`
      OR (D.`_kafka_partition` = V.`_kafka_partition` AND D.`_kafka_topic` > V.`_kafka_topic`)))))
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY D.`order_id` ORDER BY V.`sequence` DESC NULLS LAST) = 1
) S
ON T.`order_id` = S.`order_id`
  AND T.`expires_at` > CURRENT_TIMESTAMP()
WHEN MATCHED AND (T.`_kafka_offset` IS NULL OR IF(
    S.`_kafka_topic` = T.`_kafka_topic` AND S.`_kafka_partition` = T.`_kafka_partition`,
    S.`_kafka_offset` > T.`_kafka_offset`,
    S.`_kafka_timestamp` > T.`_kafka_timestamp` OR (S.`_kafka_timestamp` = T.`_kafka_timestamp` AND (
      S.`_kafka_partition` > T.`_kafka_partition`
      OR (S.`_kafka_partition` = T.`_kafka_partition` AND S.`_kafka_topic` > T.`_kafka_topic`)))))
  AND ((S.`sequence` > T.`sequence` OR (S.`sequence` IS NOT NULL AND T.`sequence` IS NULL)) OR ((S.`sequence` = T.`sequence` OR (S.`sequence` IS NULL AND T.`sequence` IS NULL)) AND FALSE)) THEN UPDATE SET `_kafka_topic` = S.`_kafka_topic`, `_kafka_partition` = S.`_kafka_partition`, `_kafka_offset` = S.`_kafka_offset`, `_kafka_timestamp` = S.`_kafka_timestamp`, `expires_at` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 7862400 SECOND), `sequence` = S.`sequence`
WHEN MATCHED AND (T.`_kafka_offset` IS NULL OR IF(
    S.`_kafka_topic` = T.`_kafka_topic` AND S.`_kafka_partition` = T.`_kafka_partition`,
    S.`_kafka_offset` > T.`_kafka_offset`,
    S.`_kafka_timestamp` > T.`_kafka_timestamp` OR (S.`_kafka_timestamp` = T.`_kafka_timestamp` AND (
      S.`_kafka_partition` > T.`_kafka_partition`
      OR (S.`_kafka_partition` = T.`_kafka_partition` AND S.`_kafka_topic` > T.`_kafka_topic`))))) THEN UPDATE SET `_kafka_topic` = S.`_kafka_topic`, `_kafka_partition` = S.`_kafka_partition`, `_kafka_offset` = S.`_kafka_offset`, `_kafka_timestamp` = S.`_kafka_timestamp`, `expires_at` = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 7862400 SECOND)
WHEN MATCHED AND ((S.`sequence` > T.`sequence` OR (S.`sequence` IS NOT NULL AND T.`sequence` IS NULL)) OR ((S.`sequence` = T.`sequence` OR (S.`sequence` IS NULL AND T.`sequence` IS NULL)) AND FALSE)) THEN UPDATE SET `sequence` = S.`sequence`
WHEN NOT MATCHED THEN INSERT (`order_id`, `sequence`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `expires_at`) VALUES (S.`order_id`, S.`sequence`, S.`_kafka_topic`, S.`_kafka_partition`, S.`_kafka_offset`, S.`_kafka_timestamp`, TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 7862400 SECOND));
MERGE `demo`.`analytics`.`orders` T
USING (
  SELECT * FROM (
    SELECT * FROM (SELECT R.`order_id` AS `order_id`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_row` FROM (SELECT * FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0120_rows_0` UNION ALL SELECT * REPLACE(`_row` + 1 AS `_row`) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0121_rows_0`) AS R WHERE R.`_tombstone`)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id`, `_kafka_partition` ORDER BY `_kafka_offset` DESC) = 1
  )
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_kafka_timestamp` DESC, `_kafka_partition` DESC) = 1
) S
ON T.`order_id` = S.`order_id`
  AND T.`order_id` IN ('a-1', 'c-3')
  AND (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL)
WHEN MATCHED AND (T.`_kafka_offset` IS NULL OR IF(
    S.`_kafka_topic` = T.`_kafka_topic` AND S.`_kafka_partition` = T.`_kafka_partition`,
    S.`_kafka_offset` > T.`_kafka_offset`,
    S.`_kafka_timestamp` > T.`_kafka_timestamp` OR (S.`_kafka_timestamp` = T.`_kafka_timestamp` AND (
      S.`_kafka_partition` > T.`_kafka_partition`
      OR (S.`_kafka_partition` = T.`_kafka_partition` AND S.`_kafka_topic` > T.`_kafka_topic`))))) THEN DELETE;
MERGE `demo`.`analytics`.`orders__dead_letters` T
USING (
  SELECT 'shop.orders' AS `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_value`, `_kafka_headers`, `_kafka_end_offset`, `stage`, `reason`, `error`, `schema_id`
  FROM (SELECT * FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0120_dead_0` UNION ALL SELECT * REPLACE(`_row` + 1 AS `_row`) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0121_dead_0`)
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_end_offset` ORDER BY `_row`) = 1
) S
ON T.`_kafka_topic` = S.`_kafka_topic`
  AND T.`_kafka_partition` = S.`_kafka_partition`
  AND T.`_kafka_offset` = S.`_kafka_offset`
  AND T.`_kafka_timestamp` = S.`_kafka_timestamp`
  AND (T.`_kafka_timestamp` >= TIMESTAMP '2026-01-31 00:00:00.000000+00:00' AND T.`_kafka_timestamp` < TIMESTAMP '2026-02-01 00:00:00.000000+00:00')
  AND T.`_kafka_partition` IN (0)
  AND T.`_kafka_offset` BETWEEN 40 AND 99
  AND (T.`_kafka_end_offset` = S.`_kafka_end_offset` OR (T.`_kafka_end_offset` IS NULL AND S.`_kafka_end_offset` IS NULL))
WHEN MATCHED AND T.`redriven_at` IS NOT NULL THEN UPDATE SET `stage` = S.`stage`, `reason` = S.`reason`, `error` = S.`error`, `schema_id` = S.`schema_id`, `batch_id` = '15514ac70a68a5638031', `failed_at` = CURRENT_TIMESTAMP(), `redriven_at` = NULL
WHEN NOT MATCHED THEN INSERT (`_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_value`, `_kafka_headers`, `_kafka_end_offset`, `stage`, `reason`, `error`, `schema_id`, `batch_id`, `failed_at`) VALUES (S.`_kafka_topic`, S.`_kafka_partition`, S.`_kafka_offset`, S.`_kafka_timestamp`, S.`_kafka_key`, S.`_kafka_value`, S.`_kafka_headers`, S.`_kafka_end_offset`, S.`stage`, S.`reason`, S.`error`, S.`schema_id`, '15514ac70a68a5638031', CURRENT_TIMESTAMP());
INSERT INTO `demo`.`analytics`.`orders__batches` (pipeline, revision, batch_id, kind, ranges, messages, rows_staged, dead_lettered, ignored, load_job_ids, merge_job_id, dag_id, task_id, run_id, try_number, started_at, applied_at)
VALUES ('cluster-1/shop.orders', 18, '15514ac70a68a5638031', 'live', ARRAY<STRUCT<`partition` INT64, start_offset INT64, end_offset INT64>>[(0, 0, 100), (0, 0, 100), (3, 7, 9), (3, 7, 9)], 4, 2, 2, 0, ARRAY<STRING>['kafka-bq-load-0123456789abcdef0120-rows-0', 'kafka-bq-load-0123456789abcdef0121-rows-0'], 'kafka-bq-merge-0123456789abcdef0123-17-0', 'shop', 'orders', 'manual__2026-01-31', 2, TIMESTAMP '2026-01-31 06:00:00.000000+00:00', CURRENT_TIMESTAMP());
COMMIT TRANSACTION;
