SELECT B._kafka_bq_part AS part, COUNTIF(B._kafka_bq_kept) AS kept, COUNTIF(NOT B._kafka_bq_kept) AS removed
FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B GROUP BY part ORDER BY part
