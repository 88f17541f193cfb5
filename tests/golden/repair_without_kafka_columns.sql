BEGIN TRANSACTION;
UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), updated_at = CURRENT_TIMESTAMP(), updated_by = 'airflow shop.orders'
WHERE pipeline = 'cluster-1/shop.orders';
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders' AND revision = 18) = 1, 1, CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS found;
INSERT INTO `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` (`order_id`, `updated_at`, `sequence`, `total`, `theirs`, _kafka_bq_part, _kafka_bq_kept)
SELECT `order_id`, `updated_at`, `sequence`, `total`, `theirs`, 'none', _kafka_bq_place = 1
FROM (SELECT `order_id`, `updated_at`, `sequence`, `total`, `theirs`, ROW_NUMBER() OVER (PARTITION BY R.`order_id` ORDER BY R.`order_id`) AS _kafka_bq_place
FROM (
  SELECT T.*, ROW_NUMBER() OVER (PARTITION BY T.`order_id` ORDER BY T.`order_id`) AS _kafka_bq_log
  FROM `demo`.`analytics`.`orders` AS T
  WHERE TRUE AND T.`order_id` IS NOT NULL
  QUALIFY COUNT(*) OVER (PARTITION BY T.`order_id`) > 1 AND MIN(TO_JSON_STRING(T)) OVER (PARTITION BY T.`order_id`) = MAX(TO_JSON_STRING(T)) OVER (PARTITION BY T.`order_id`)) AS R);
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders` AS T WHERE TRUE AND EXISTS (SELECT 1 FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B WHERE B._kafka_bq_part = 'none' AND B.`order_id` = T.`order_id`)) = (SELECT COUNT(*) FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B WHERE B._kafka_bq_part = 'none'), 1, CAST(ERROR('kafka-bq: rows would be deleted that are not in the backup') AS INT64)) AS saved;
DELETE FROM `demo`.`analytics`.`orders` AS T
WHERE TRUE AND EXISTS (SELECT 1 FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B WHERE B._kafka_bq_part = 'none' AND B.`order_id` = T.`order_id`);
INSERT INTO `demo`.`analytics`.`orders` (`order_id`, `updated_at`, `sequence`, `total`, `theirs`)
SELECT `order_id`, `updated_at`, `sequence`, `total`, `theirs` FROM `demo`.`analytics`.`orders__repair_20260131t060000_0123abcd` AS B WHERE B._kafka_bq_part = 'none' AND B._kafka_bq_kept;
COMMIT TRANSACTION;
