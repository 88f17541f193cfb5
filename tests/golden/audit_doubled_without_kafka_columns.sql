SELECT `first`, `part`, SUM(n) AS n, COUNTIF(`part` = `first` OR (`part` IS NULL AND `first` IS NULL)) AS keys_found
FROM (
  SELECT *, MIN(`part`) OVER (PARTITION BY k0) AS `first`, SUM(n) OVER (PARTITION BY k0) AS total, MIN(least) OVER (PARTITION BY k0) AS first_image, MAX(most) OVER (PARTITION BY k0) AS last_image
  FROM (
    SELECT T.`order_id` AS k0, CAST(NULL AS DATE) AS `part`, COUNT(*) AS n, MIN(TO_JSON_STRING(T)) AS least, MAX(TO_JSON_STRING(T)) AS most
    FROM `demo`.`analytics`.`orders` AS T
    WHERE TRUE AND T.`order_id` IS NOT NULL
    GROUP BY k0, `part`))
WHERE total > 1 AND first_image = last_image
GROUP BY `first`, `part` ORDER BY `first`, `part`
