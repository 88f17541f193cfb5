SELECT `first`, `part`, SUM(n) AS n, COUNTIF(`part` = `first` OR (`part` IS NULL AND `first` IS NULL)) AS keys_found
FROM (
  SELECT *, MIN(`part`) OVER (PARTITION BY k0, k1) AS `first`, SUM(n) OVER (PARTITION BY k0, k1) AS total
  FROM (
    SELECT T.`order_id` AS k0, T.`sequence` AS k1, TIMESTAMP_TRUNC(T.`_kafka_timestamp`, DAY) AS `part`, COUNT(*) AS n
    FROM `demo`.`analytics`.`orders` AS T
    WHERE (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL) AND T.`order_id` IS NOT NULL AND T.`sequence` IS NOT NULL
    GROUP BY k0, k1, `part`))
WHERE total > 1
GROUP BY `first`, `part` ORDER BY `first`, `part`
