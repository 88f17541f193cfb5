BEGIN TRANSACTION;
UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), batch_id = '0123456789abcdef0123', job_id = 'kafka-bq-merge-0123456789abcdef0123-17-0', positions = ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>[(0, 100, 4), (3, 9, 1)], updated_at = CURRENT_TIMESTAMP(), updated_by = 'airflow shop.orders'
WHERE pipeline = 'cluster-1/shop.orders';
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders' AND revision = 18) = 1, 1, CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS pipelines,
  IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_rows_0`) = 1, 1, CAST(ERROR('kafka-bq: staging table does not hold the batch') AS INT64)) AS staged_rows;
MERGE `demo`.`analytics`.`orders` T
USING (
  SELECT * FROM (
    SELECT * FROM (SELECT R.`id` AS `id`, R.`f` AS `f`, R.`ok` AS `ok`, R.`b` AS `b`, R.`d` AS `d`, R.`ts` AS `ts`, R.`n` AS `n`, CAST(R.`bn` AS BIGNUMERIC) AS `bn`, CAST(R.`t` AS TIME) AS `t`, CAST(R.`dt` AS DATETIME) AS `dt`, PARSE_JSON(R.`j`, wide_number_mode=>'round') AS `j`, R.`tags` AS `tags`, ARRAY(SELECT CAST(e0 AS TIME) FROM UNNEST(R.`times`) AS e0 WITH OFFSET AS o0 ORDER BY o0) AS `times`, R.`plain` AS `plain`, IF(R.`mixed` IS NULL, NULL, STRUCT(CAST(R.`mixed`.`a` AS DATETIME) AS `a`, PARSE_JSON(R.`mixed`.`b`, wide_number_mode=>'round') AS `b`, R.`mixed`.`c` AS `c`)) AS `mixed`, ARRAY(SELECT IF(e0 IS NULL, NULL, STRUCT(e0.`sku` AS `sku`, CAST(e0.`price` AS BIGNUMERIC) AS `price`, ARRAY(SELECT PARSE_JSON(e1, wide_number_mode=>'round') FROM UNNEST(e0.`marks`) AS e1 WITH OFFSET AS o1 ORDER BY o1) AS `marks`, IF(e0.`moment` IS NULL, NULL, STRUCT(e0.`moment`.`day` AS `day`, CAST(e0.`moment`.`time` AS TIME) AS `time`)) AS `moment`)) FROM UNNEST(R.`lines`) AS e0 WITH OFFSET AS o0 ORDER BY o0) AS `lines`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_kafka_key` AS `_kafka_key`, R.`_kafka_headers` AS `_kafka_headers`, R.`_row` FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_rows_0` AS R)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY `id`, `_kafka_partition` ORDER BY `_kafka_offset` ASC) = 1
  )
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `id` ORDER BY `_kafka_timestamp` ASC, `_kafka_partition` ASC) = 1
) S
ON T.`id` = S.`id`
  AND T.`id` IN (1)
  AND (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL)
WHEN NOT MATCHED THEN INSERT (`id`, `f`, `ok`, `b`, `d`, `ts`, `n`, `bn`, `t`, `dt`, `j`, `tags`, `times`, `plain`, `mixed`, `lines`, `_kafka_topic`, `_kafka_partition`, `_kafka_offset`, `_kafka_timestamp`, `_kafka_key`, `_kafka_headers`, `_ingested_at`) VALUES (S.`id`, S.`f`, S.`ok`, S.`b`, S.`d`, S.`ts`, S.`n`, S.`bn`, S.`t`, S.`dt`, S.`j`, S.`tags`, S.`times`, S.`plain`, S.`mixed`, S.`lines`, S.`_kafka_topic`, S.`_kafka_partition`, S.`_kafka_offset`, S.`_kafka_timestamp`, S.`_kafka_key`, S.`_kafka_headers`, CURRENT_TIMESTAMP());
INSERT INTO `demo`.`analytics`.`orders__batches` (pipeline, revision, batch_id, kind, ranges, messages, rows_staged, dead_lettered, ignored, load_job_ids, merge_job_id, dag_id, task_id, run_id, try_number, started_at, applied_at)
VALUES ('cluster-1/shop.orders', 18, '0123456789abcdef0123', 'live', ARRAY<STRUCT<`partition` INT64, start_offset INT64, end_offset INT64>>[(0, 0, 100), (3, 7, 9)], 1, 1, 0, 0, ARRAY<STRING>['kafka-bq-load-0123456789abcdef0123-rows-0'], 'kafka-bq-merge-0123456789abcdef0123-17-0', 'shop', 'orders', 'manual__2026-01-31', 2, TIMESTAMP '2026-01-31 06:00:00.000000+00:00', CURRENT_TIMESTAMP());
COMMIT TRANSACTION;
