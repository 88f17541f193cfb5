SELECT T.`_kafka_partition` AS `partition`, T.`_kafka_offset` AS `offset`, UNIX_MILLIS(T.`_kafka_timestamp`) AS `timestamp_ms`, T.`_kafka_key` AS `key`, T.`_kafka_value` AS `value`, T.`_kafka_headers` AS `headers`, T.`stage` AS `stage`, T.`reason` AS `reason`
FROM `demo`.`analytics`.`orders__dead_letters` AS T
WHERE T.`_kafka_topic` = 'shop.orders'
  AND T.`redriven_at` IS NULL AND T.`stage` != 'lost'
  AND T.`failed_at` >= TIMESTAMP '2026-01-01 00:00:00.000000+00:00'
  AND T.`failed_at` < TIMESTAMP '2026-01-31 23:00:00.000000+00:00'
  AND T.`stage` IN ('validate')
  AND T.`reason` IN ('it\'s', 'int_parsing')
  AND T.`_kafka_timestamp` >= TIMESTAMP '2026-01-01 00:00:00.001000+00:00'
  AND (T.`_kafka_timestamp` > TIMESTAMP '2026-01-01 00:00:00.001000+00:00' OR T.`_kafka_partition` > 3 OR (T.`_kafka_partition` = 3 AND T.`_kafka_offset` > 41))
ORDER BY T.`_kafka_timestamp`, T.`_kafka_partition`, T.`_kafka_offset`
LIMIT 500
