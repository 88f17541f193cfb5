SELECT part, early, MIN(at_offset) AS first_offset, MAX(at_offset) AS last_offset, COUNT(*) AS n
FROM (
  SELECT T._kafka_partition AS part, T._kafka_offset AS at_offset, CASE T._kafka_partition WHEN 0 THEN T._kafka_offset < 7 WHEN 3 THEN T._kafka_offset < 0 ELSE TRUE END AS early
  FROM `demo`.`analytics`.`orders` AS T
  LEFT JOIN UNNEST(ARRAY<STRUCT<`partition` INT64, start_offset INT64, end_offset INT64>>[(0, 7, 98), (3, 0, 12), (3, 20, 30)]) AS R
  ON T._kafka_partition = R.`partition` AND T._kafka_offset >= R.start_offset AND T._kafka_offset < R.end_offset
  WHERE T._kafka_topic = 'shop.orders' AND R.`partition` IS NULL AND (T.`_kafka_timestamp` >= TIMESTAMP '2026-01-01 00:00:00.000000+00:00' AND T.`_kafka_timestamp` < TIMESTAMP '2026-02-01 00:00:00.000000+00:00'))
GROUP BY part, early ORDER BY part, early
