BEGIN TRANSACTION;
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_rows_0`) = 1, 1, CAST(ERROR('kafka-bq: staging table does not hold the batch') AS INT64)) AS staged_rows,
  IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_dead_0`) = 1, 1, CAST(ERROR('kafka-bq: staging table does not hold the batch') AS INT64)) AS staged_letters;
MERGE `demo`.`analytics`.`orders` T
USING (
  SELECT * FROM (SELECT PARSE_JSON(R.`payload`, wide_number_mode=>'round') AS `payload`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_kafka_key` AS `_kafka_key`, R.`_kafka_headers` AS `_kafka_headers`, R.`_row` FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_rows_0` AS R)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_partition` ORDER BY `_kafka_offset` ASC) = 1
) S
ON T.`_kafka_topic` = S.`_kafka_topic`
  AND T.`_kafka_partition` = S.`_kafka_partition`
  AND T.`_kafka_offset` = S.`_kafka_offset`
  AND T.`_kafka_timestamp` = S.`_kafka_timestamp`
  AND (T.`_kafka_timestamp` >= TIMESTAMP '2026-01-31 00:00:00.000000+00:00' AND T.`_kafka_timestamp` < TIMESTAMP '2026-02-01 00:00:00.000000+00:00')
  AND T.`_kafka_partition` IN (0)
  AND T.`_kafka_offset` IN (0)
WHEN NOT MATCHED THEN INSERT (`payload`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`) VALUES (S.`payload`, S.`_kafka_topic`, S.`_kafka_partition`, S.`_kafka_offset`, S.`_kafka_timestamp`, S.`_kafka_key`, S.`_kafka_headers`, CURRENT_TIMESTAMP());
MERGE `demo`.`analytics`.`orders__dead_letters` T
USING (
  SELECT 'shop.orders' AS `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_value`, `_kafka_headers`, `_kafka_end_offset`, `stage`, `reason`, `error`, `schema_id`
  FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_dead_0`
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
WHEN MATCHED AND T.`redriven_at` IS NOT NULL THEN UPDATE SET `stage` = S.`stage`, `reason` = S.`reason`, `error` = S.`error`, `schema_id` = S.`schema_id`, `batch_id` = '0123456789abcdef0123', `failed_at` = CURRENT_TIMESTAMP(), `redriven_at` = NULL
WHEN NOT MATCHED THEN INSERT (`_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_value`, `_kafka_headers`, `_kafka_end_offset`, `stage`, `reason`, `error`, `schema_id`, `batch_id`, `failed_at`) VALUES (S.`_kafka_topic`, S.`_kafka_partition`, S.`_kafka_offset`, S.`_kafka_timestamp`, S.`_kafka_key`, S.`_kafka_value`, S.`_kafka_headers`, S.`_kafka_end_offset`, S.`stage`, S.`reason`, S.`error`, S.`schema_id`, '0123456789abcdef0123', CURRENT_TIMESTAMP());
COMMIT TRANSACTION;
