UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = revision + 1, topic_id = 'topic-id-1', cluster_id = 'cluster-1', group_id = 'kafka-bq.shop.orders', positions = ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>[(0, 12, 1), (3, 7, NULL)], target_created_at = TIMESTAMP '2026-01-01 00:00:00.123000+00:00', updated_at = CURRENT_TIMESTAMP(), updated_by = 'airflow shop.orders'
WHERE pipeline = 'cluster-1/shop.orders' AND revision = 4
