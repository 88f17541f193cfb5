MERGE `demo`.`analytics`.`orders__dead_letters` T
USING (SELECT * FROM UNNEST(ARRAY<STRUCT<`partition` INT64, `offset` INT64, `timestamp` TIMESTAMP>>[(0, 17, TIMESTAMP '2026-01-01 00:00:00.001000+00:00'), (3, 17, TIMESTAMP '2026-01-01 00:00:00.004000+00:00')])) S
ON T.`_kafka_topic` = 'shop.orders' AND T.`_kafka_partition` = S.`partition` AND T.`_kafka_offset` = S.`offset` AND T.`_kafka_timestamp` = S.`timestamp`
  AND T.`_kafka_timestamp` BETWEEN TIMESTAMP '2026-01-01 00:00:00.001000+00:00' AND TIMESTAMP '2026-01-01 00:00:00.004000+00:00'
WHEN MATCHED AND T.`copied_at` IS NULL AND T.`_kafka_end_offset` IS NULL THEN UPDATE SET `copied_at` = CURRENT_TIMESTAMP()
