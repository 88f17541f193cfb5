SELECT `_kafka_partition` AS `partition`, MAX(`_kafka_offset`) AS found
FROM `demo`.`analytics`.`orders`
WHERE `_kafka_topic` = 'shop.orders'
  AND (`_kafka_timestamp` IS NULL OR `_kafka_timestamp` IS NOT NULL)
GROUP BY `partition`
