SELECT T.`order_id` AS k0, T.`sequence` AS k1, COUNT(*) AS n
FROM `demo`.`analytics`.`orders` AS T
WHERE (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL) AND T.`order_id` IS NOT NULL AND T.`sequence` IS NOT NULL
GROUP BY k0, k1 HAVING COUNT(*) > 1
ORDER BY n DESC, k0, k1 LIMIT 10
