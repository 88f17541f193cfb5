WITH seen AS (SELECT T.`order_id` AS k0, CAST(NULL AS DATE) AS `day` FROM `demo`.`analytics`.`orders` AS T WHERE TRUE),
by_key AS (SELECT MIN(`day`) AS `day`, COUNT(*) AS n FROM seen WHERE k0 IS NOT NULL GROUP BY k0 HAVING COUNT(*) > 1)
SELECT 'rows' AS what, `day`, 0 AS groups_found, COUNT(*) AS n FROM seen GROUP BY `day`
UNION ALL SELECT 'null_keys', `day`, 0, COUNT(*) FROM seen WHERE k0 IS NULL GROUP BY `day`
UNION ALL SELECT 'by_key', `day`, COUNT(*), SUM(n - 1) FROM by_key GROUP BY `day`
