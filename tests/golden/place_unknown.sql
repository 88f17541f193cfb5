UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = revision + 1, topic_id = NULL, cluster_id = NULL, group_id = NULL, positions = ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>[(0, 12, 1), (3, 7, NULL)], target_created_at = CAST(NULL AS TIMESTAMP), updated_at = CURRENT_TIMESTAMP(), updated_by = NULL
WHERE pipeline = 'cluster-1/shop.orders' AND revision = 4
