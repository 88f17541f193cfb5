SELECT `partition`, MIN(start_offset) AS start_offset, MAX(end_offset) AS end_offset
FROM (SELECT *, SUM(IF(reach IS NULL OR start_offset > reach, 1, 0)) OVER (PARTITION BY `partition` ORDER BY start_offset, end_offset) AS island
  FROM (SELECT *, MAX(end_offset) OVER (PARTITION BY `partition` ORDER BY start_offset, end_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
    FROM (SELECT R.`partition` AS `partition`, R.start_offset AS start_offset, R.end_offset AS end_offset
      FROM `demo`.`analytics`.`orders__batches` AS B, UNNEST(B.ranges) AS R
      WHERE B.pipeline = 'cluster-1/shop.orders' AND B.applied_at > TIMESTAMP '1970-01-01' AND B.kind != 'seek' AND R.end_offset > R.start_offset)))
GROUP BY `partition`, island ORDER BY `partition`, start_offset
