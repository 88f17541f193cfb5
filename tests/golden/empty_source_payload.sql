MERGE `demo`.`analytics`.`orders` T
USING (
  SELECT * FROM (SELECT PARSE_JSON(R.`payload`, wide_number_mode=>'round') AS `payload`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_kafka_key` AS `_kafka_key`, R.`_kafka_headers` AS `_kafka_headers`, R.`_row` FROM (SELECT CAST(NULL AS STRING) AS `payload`, CAST(NULL AS STRING) AS `_kafka_topic`, CAST(NULL AS INT64) AS `_kafka_partition`, CAST(NULL AS INT64) AS `_kafka_offset`, CAST(NULL AS TIMESTAMP) AS `_kafka_timestamp`, CAST(NULL AS BYTES) AS `_kafka_key`, CAST(NULL AS ARRAY<STRUCT<`key` STRING, `value` BYTES>>) AS `_kafka_headers`, FALSE AS `_tombstone`, 0 AS `_row` FROM UNNEST(ARRAY<INT64>[])) AS R)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_partition` ORDER BY `_kafka_offset` ASC) = 1
) S
ON T.`_kafka_topic` = S.`_kafka_topic`
  AND T.`_kafka_partition` = S.`_kafka_partition`
  AND T.`_kafka_offset` = S.`_kafka_offset`
  AND T.`_kafka_timestamp` = S.`_kafka_timestamp`
  AND (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL)
WHEN NOT MATCHED THEN INSERT (`payload`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`) VALUES (S.`payload`, S.`_kafka_topic`, S.`_kafka_partition`, S.`_kafka_offset`, S.`_kafka_timestamp`, S.`_kafka_key`, S.`_kafka_headers`, CURRENT_TIMESTAMP())
