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
    SELECT * FROM (SELECT R.`order_id` AS `order_id`, R.`updated_at` AS `updated_at`, R.`sequence` AS `sequence`, R.`total` AS `total`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_kafka_key` AS `_kafka_key`, R.`_kafka_headers` AS `_kafka_headers`, R.`_row` FROM (SELECT CAST(NULL AS STRING) AS `order_id`, CAST(NULL AS TIMESTAMP) AS `updated_at`, CAST(NULL AS INT64) AS `sequence`, CAST(NULL AS NUMERIC) AS `total`, CAST(NULL AS STRING) AS `_kafka_topic`, CAST(NULL AS INT64) AS `_kafka_partition`, CAST(NULL AS INT64) AS `_kafka_offset`, CAST(NULL AS TIMESTAMP) AS `_kafka_timestamp`, CAST(NULL AS STRING) AS `_kafka_key`, CAST(NULL AS ARRAY<STRUCT<`key` STRING, `value` BYTES>>) AS `_kafka_headers`, FALSE AS `_tombstone`, 0 AS `_row` FROM UNNEST(ARRAY<INT64>[])) AS R)
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
WHEN NOT MATCHED AND S.`_kafka_admitted` THEN INSERT (`order_id`, `updated_at`, `sequence`, `total`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`) VALUES (S.`order_id`, S.`updated_at`, S.`sequence`, S.`total`, S.`_kafka_topic`, S.`_kafka_partition`, S.`_kafka_offset`, S.`_kafka_timestamp`, S.`_kafka_key`, S.`_kafka_headers`, CURRENT_TIMESTAMP())
