SELECT `first`, `part`, SUM(n) AS n, COUNTIF(`part` = `first` OR (`part` IS NULL AND `first` IS NULL)) AS keys_found
FROM (
  SELECT *, MIN(`part`) OVER (PARTITION BY k0) AS `first`, SUM(n) OVER (PARTITION BY k0) AS total, SUM(gone) OVER (PARTITION BY k0) AS all_gone
  FROM (
    SELECT T.`order_id` AS k0, TIMESTAMP_TRUNC(T.`_kafka_timestamp`, DAY) AS `part`, COUNT(*) AS n, COUNT(T.`_deleted_at`) AS gone
    FROM `demo`.`analytics`.`orders` AS T
    WHERE (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL) AND T.`order_id` IS NOT NULL
    GROUP BY k0, `part`))
WHERE total > 1 AND (all_gone = 0 OR all_gone = total)
GROUP BY `first`, `part` ORDER BY `first`, `part`
