BEGIN TRANSACTION;
UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = IF(revision = 4, 5, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), topic_id = 'topic-id-1', cluster_id = 'cluster-1', group_id = 'kafka-bq.shop.orders', positions = ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>[(0, 12, 1), (3, 7, NULL)], target_created_at = TIMESTAMP '2026-01-01 00:00:00.123000+00:00', updated_at = CURRENT_TIMESTAMP(), updated_by = 'airflow shop.orders'
WHERE pipeline = 'cluster-1/shop.orders';
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders' AND revision = 5) = 1, 1, CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS pipelines;
INSERT INTO `demo`.`analytics`.`orders__batches` (pipeline, revision, batch_id, kind, ranges, messages, rows_staged, dead_lettered, ignored, load_job_ids, dag_id, task_id, run_id, try_number, started_at, applied_at)
VALUES ('cluster-1/shop.orders', 5, 'seek-5', 'seek', ARRAY<STRUCT<`partition` INT64, start_offset INT64, end_offset INT64>>[], 0, 0, 0, 0, ARRAY<STRING>[], 'shop', 'orders', 'manual__2026-01-31', 2, CURRENT_TIMESTAMP(), CURRENT_TIMESTAMP());
COMMIT TRANSACTION;
