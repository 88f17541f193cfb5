WITH compared AS (
  SELECT S.`order_id` AS k0, S.`_kafka_partition` AS part, S.`_kafka_offset` AS at_offset,
    COUNTIF(T.`order_id` IS NOT NULL) AS there, COUNTIF(T.`order_id` IS NOT NULL AND NOT IFNULL((T.`_kafka_offset` IS NULL OR IF(
    S.`_kafka_topic` = T.`_kafka_topic` AND S.`_kafka_partition` = T.`_kafka_partition`,
    S.`_kafka_offset` > T.`_kafka_offset`,
    S.`_kafka_timestamp` > T.`_kafka_timestamp` OR (S.`_kafka_timestamp` = T.`_kafka_timestamp` AND (
      S.`_kafka_partition` > T.`_kafka_partition`
      OR (S.`_kafka_partition` = T.`_kafka_partition` AND S.`_kafka_topic` > T.`_kafka_topic`))))), FALSE)) AS newest
  FROM (
  SELECT * FROM (
    SELECT * FROM (SELECT R.`order_id` AS `order_id`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_row` FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_rows_0` AS R)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id`, `_kafka_partition` ORDER BY `_kafka_offset` ASC) = 1
  )
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_kafka_timestamp` ASC, `_kafka_partition` ASC) = 1
  ) AS S
  LEFT JOIN `demo`.`analytics`.`orders` AS T
  ON T.`order_id` = S.`order_id`
  AND (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL)
  GROUP BY k0, part, at_offset
),
bad AS (SELECT * FROM compared WHERE there = 0)
SELECT k0, part, at_offset, there = 0 AS missing,
  (SELECT COUNTIF(there = 0) FROM bad) AS all_missing, (SELECT COUNTIF(there > 0) FROM bad) AS all_older
FROM bad ORDER BY part, at_offset LIMIT 10
