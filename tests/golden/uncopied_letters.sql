SELECT T.`_kafka_partition` AS `partition`, T.`_kafka_offset` AS `offset`, UNIX_MILLIS(T.`_kafka_timestamp`) AS `timestamp_ms`, T.`_kafka_key` AS `key`, T.`_kafka_value` AS `value`, T.`_kafka_headers` AS `headers`, T.`stage` AS `stage`, T.`reason` AS `reason`, T.`error` AS `error`, T.`batch_id` AS `batch_id`
FROM `demo`.`analytics`.`orders__dead_letters` AS T
WHERE T.`_kafka_topic` = 'shop.orders'
  AND T.`copied_at` IS NULL AND T.`redriven_at` IS NULL AND T.`stage` != 'lost'
  AND T.`_kafka_timestamp` BETWEEN TIMESTAMP '2026-01-01 00:00:00.001000+00:00' AND TIMESTAMP '2026-01-03 00:00:00.000000+00:00'
ORDER BY T.`_kafka_timestamp`, T.`_kafka_partition`, T.`_kafka_offset`
LIMIT 10000
