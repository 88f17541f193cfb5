SELECT T.`_kafka_partition` AS `partition`, T.`_kafka_offset` AS `offset`, UNIX_MILLIS(T.`_kafka_timestamp`) AS `timestamp_ms`, T.`_kafka_key` AS `key`, T.`_kafka_value` AS `value`, T.`_kafka_headers` AS `headers`, T.`stage` AS `stage`, T.`reason` AS `reason`
FROM `demo`.`analytics`.`orders__dead_letters` AS T
WHERE T.`_kafka_topic` = 'shop.orders'
  AND T.`redriven_at` IS NULL AND T.`stage` != 'lost'
ORDER BY T.`_kafka_timestamp`, T.`_kafka_partition`, T.`_kafka_offset`
LIMIT 10000
