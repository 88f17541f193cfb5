BEGIN TRANSACTION;
UPDATE `demo`.`analytics`.`orders__ledger` SET revision = revision + 1, updated_at = CURRENT_TIMESTAMP() WHERE pipeline = '*';
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = '*') = 1, 1, CAST(ERROR('kafka-bq: ledger sentinel missing or doubled') AS INT64));
INSERT INTO `demo`.`analytics`.`orders__ledger` (pipeline, topic, topic_id, cluster_id, group_id, revision, batch_id, job_id, positions, target_created_at, updated_at, updated_by)
SELECT 'cluster-1/shop.orders', 'shop.orders', 'topic-id-1', 'cluster-1', 'kafka-bq.shop.orders', 0, CAST(NULL AS STRING), CAST(NULL AS STRING), ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>[(0, 12, 1), (3, 7, NULL)], TIMESTAMP '2026-01-01 00:00:00.123000+00:00', CURRENT_TIMESTAMP(), 'airflow shop.orders' FROM UNNEST([1]) AS one
WHERE NOT EXISTS (SELECT 1 FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders');
COMMIT TRANSACTION;
