SELECT COUNT(*) AS `letters`, MIN(T.`_kafka_timestamp`) AS `oldest`, MAX(T.`_kafka_timestamp`) AS `newest`
FROM `demo`.`analytics`.`orders__dead_letters` AS T
WHERE T.`_kafka_topic` = 'shop.orders'
  AND T.`copied_at` IS NULL AND T.`redriven_at` IS NULL AND T.`stage` != 'lost'
