WITH compared AS (
  SELECT S.`order_id` AS k0, S.`_kafka_partition` AS part, S.`_kafka_offset` AS at_offset,
    COUNTIF(T.`order_id` IS NOT NULL) AS there, COUNTIF(T.`order_id` IS NOT NULL AND NOT IFNULL(((S.`sequence` > T.`sequence` OR (S.`sequence` IS NOT NULL AND T.`sequence` IS NULL)) OR ((S.`sequence` = T.`sequence` OR (S.`sequence` IS NULL AND T.`sequence` IS NULL)) AND (T.`_kafka_offset` IS NULL OR IF(
    S.`_kafka_topic` = T.`_kafka_topic` AND S.`_kafka_partition` = T.`_kafka_partition`,
    S.`_kafka_offset` > T.`_kafka_offset`,
    S.`_kafka_timestamp` > T.`_kafka_timestamp` OR (S.`_kafka_timestamp` = T.`_kafka_timestamp` AND (
      S.`_kafka_partition` > T.`_kafka_partition`
      OR (S.`_kafka_partition` = T.`_kafka_partition` AND S.`_kafka_topic` > T.`_kafka_topic`))))))), FALSE)) AS newest
  FROM (
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
    SELECT * FROM (SELECT R.`order_id` AS `order_id`, R.`sequence` AS `sequence`, R.`_kafka_topic` AS `_kafka_topic`, R.`_kafka_partition` AS `_kafka_partition`, R.`_kafka_offset` AS `_kafka_offset`, R.`_kafka_timestamp` AS `_kafka_timestamp`, R.`_row` FROM `demo`.`analytics`.`orders__stg_0123456789abcdef0123_rows_0` AS R)
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id`, `_kafka_partition` ORDER BY `sequence` DESC NULLS LAST, `_kafka_offset` DESC) = 1
  )
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `sequence` DESC NULLS LAST, `_kafka_timestamp` DESC, `_kafka_partition` DESC) = 1
  ) W
  LEFT JOIN (SELECT * FROM `demo`.`analytics`.`orders__deletes` WHERE `expires_at` > CURRENT_TIMESTAMP()) M
  ON M.`order_id` = W.`order_id`
  ) AS S
  LEFT JOIN `demo`.`analytics`.`orders` AS T
  ON T.`order_id` = S.`order_id`
  AND (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL)
  WHERE S.`_kafka_admitted`
  GROUP BY k0, part, at_offset
),
bad AS (SELECT * FROM compared WHERE there = 0 OR newest = 0)
SELECT k0, part, at_offset, there = 0 AS missing,
  (SELECT COUNTIF(there = 0) FROM bad) AS all_missing, (SELECT COUNTIF(there > 0) FROM bad) AS all_older
FROM bad ORDER BY part, at_offset LIMIT 10
