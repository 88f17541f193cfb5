SELECT `first`, `part`, SUM(n) AS n, COUNTIF(`part` = `first` OR (`part` IS NULL AND `first` IS NULL)) AS keys_found
FROM (
  SELECT *, MIN(`part`) OVER (PARTITION BY k0, k1, k2, k3) AS `first`, SUM(n) OVER (PARTITION BY k0, k1, k2, k3) AS total
  FROM (
    SELECT T.`_kafka_topic` AS k0, T.`_kafka_partition` AS k1, T.`_kafka_offset` AS k2, T.`_kafka_timestamp` AS k3, TIMESTAMP_TRUNC(T.`_kafka_timestamp`, DAY) AS `part`, COUNT(*) AS n
    FROM `demo`.`analytics`.`orders` AS T
    WHERE (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL) AND T.`_kafka_topic` IS NOT NULL AND T.`_kafka_partition` IS NOT NULL AND T.`_kafka_offset` IS NOT NULL AND T.`_kafka_timestamp` IS NOT NULL
    GROUP BY k0, k1, k2, k3, `part`))
WHERE total > 1
GROUP BY `first`, `part` ORDER BY `first`, `part`
