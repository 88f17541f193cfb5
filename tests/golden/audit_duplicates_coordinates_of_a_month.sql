WITH seen AS (SELECT T.`_kafka_topic` AS k0, T.`_kafka_partition` AS k1, T.`_kafka_offset` AS k2, T.`_kafka_timestamp` AS k3, T.`_kafka_topic` AS c0, T.`_kafka_partition` AS c1, T.`_kafka_offset` AS c2, T.`_kafka_timestamp` AS c3, DATE(T.`_kafka_timestamp`) AS `day` FROM `demo`.`analytics`.`orders` AS T WHERE (T.`_kafka_timestamp` >= TIMESTAMP '2026-01-01 00:00:00.000000+00:00' AND T.`_kafka_timestamp` < TIMESTAMP '2026-02-01 00:00:00.000000+00:00')),
by_key AS (SELECT MIN(`day`) AS `day`, COUNT(*) AS n FROM seen WHERE k0 IS NOT NULL AND k1 IS NOT NULL AND k2 IS NOT NULL AND k3 IS NOT NULL GROUP BY k0, k1, k2, k3 HAVING COUNT(*) > 1),
by_coordinates AS (SELECT MIN(`day`) AS `day`, COUNT(*) AS n FROM seen WHERE c0 IS NOT NULL AND c1 IS NOT NULL AND c2 IS NOT NULL AND c3 IS NOT NULL GROUP BY c0, c1, c2, c3 HAVING COUNT(*) > 1),
copies AS (SELECT MIN(`day`) AS `day`, COUNT(*) AS n FROM seen WHERE k0 IS NOT NULL AND k1 IS NOT NULL AND k2 IS NOT NULL AND k3 IS NOT NULL AND c0 IS NOT NULL AND c1 IS NOT NULL AND c2 IS NOT NULL AND c3 IS NOT NULL GROUP BY k0, k1, k2, k3, c0, c1, c2, c3 HAVING COUNT(*) > 1)
SELECT 'rows' AS what, `day`, 0 AS groups_found, COUNT(*) AS n FROM seen GROUP BY `day`
UNION ALL SELECT 'null_keys', `day`, 0, COUNT(*) FROM seen WHERE k0 IS NULL OR k1 IS NULL OR k2 IS NULL OR k3 IS NULL GROUP BY `day`
UNION ALL SELECT 'by_key', `day`, COUNT(*), SUM(n - 1) FROM by_key GROUP BY `day`
UNION ALL SELECT 'by_coordinates', `day`, COUNT(*), SUM(n - 1) FROM by_coordinates GROUP BY `day`
UNION ALL SELECT 'copies', `day`, COUNT(*), SUM(n - 1) FROM copies GROUP BY `day`
