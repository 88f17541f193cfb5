SELECT _kafka_partition AS `partition`, _kafka_offset AS start_offset, MAX(_kafka_end_offset) AS end_offset
FROM `demo`.`analytics`.`orders__dead_letters`
WHERE _kafka_topic = 'shop.orders' AND stage = 'lost' AND _kafka_timestamp = TIMESTAMP '1970-01-01'
GROUP BY `partition`, start_offset ORDER BY `partition`, start_offset
