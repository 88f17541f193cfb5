SELECT part, early, MIN(at_offset) AS first_offset, MAX(at_offset) AS last_offset, COUNT(*) AS n
FROM (
  SELECT T._kafka_partition AS part, T._kafka_offset AS at_offset, TRUE AS early
  FROM `demo`.`analytics`.`orders` AS T
  LEFT JOIN UNNEST(ARRAY<STRUCT<`partition` INT64, start_offset INT64, end_offset INT64>>[]) AS R
  ON T._kafka_partition = R.`partition` AND T._kafka_offset >= R.start_offset AND T._kafka_offset < R.end_offset
  WHERE T._kafka_topic = 'shop.orders' AND R.`partition` IS NULL AND (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL))
GROUP BY part, early ORDER BY part, early
