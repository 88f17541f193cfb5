WITH seen AS (SELECT T.`order_id` AS k0, T.`_kafka_topic` AS c0, T.`_kafka_partition` AS c1, T.`_kafka_offset` AS c2, T.`_kafka_timestamp` AS c3, DATE(T.`_kafka_timestamp`) AS `day` FROM `demo`.`analytics`.`orders` AS T WHERE (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL)),
by_key AS (SELECT MIN(`day`) AS `day`, COUNT(*) AS n FROM seen WHERE k0 IS NOT NULL GROUP BY k0 HAVING COUNT(*) > 1),
by_coordinates AS (SELECT MIN(`day`) AS `day`, COUNT(*) AS n FROM seen WHERE c0 IS NOT NULL AND c1 IS NOT NULL AND c2 IS NOT NULL AND c3 IS NOT NULL GROUP BY c0, c1, c2, c3 HAVING COUNT(*) > 1),
copies AS (SELECT MIN(`day`) AS `day`, COUNT(*) AS n FROM seen WHERE k0 IS NOT NULL AND c0 IS NOT NULL AND c1 IS NOT NULL AND c2 IS NOT NULL AND c3 IS NOT NULL GROUP BY k0, c0, c1, c2, c3 HAVING COUNT(*) > 1)
SELECT 'rows' AS what, `day`, 0 AS groups_found, COUNT(*) AS n FROM seen GROUP BY `day`
UNION ALL SELECT 'null_keys', `day`, 0, COUNT(*) FROM seen WHERE k0 IS NULL GROUP BY `day`
UNION ALL SELECT 'by_key', `day`, COUNT(*), SUM(n - 1) FROM by_key GROUP BY `day`
UNION ALL SELECT 'by_coordinates', `day`, COUNT(*), SUM(n - 1) FROM by_coordinates GROUP BY `day`
UNION ALL SELECT 'copies', `day`, COUNT(*), SUM(n - 1) FROM copies GROUP BY `day`
