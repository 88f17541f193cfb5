BEGIN TRANSACTION;
UPDATE `demo`.`analytics`.`orders__ledger`
SET revision = IF(revision = 17, 18, CAST(ERROR('kafka-bq: ledger moved') AS INT64)), batch_id = '0123456789abcdef0123', job_id = 'kafka-bq-merge-0123456789abcdef0123-17-0', positions = ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>[(0, 100, 4), (3, 9, 1)], updated_at = CURRENT_TIMESTAMP(), updated_by = 'airflow shop.orders'
WHERE pipeline = 'cluster-1/shop.orders';
SELECT IF((SELECT COUNT(*) FROM `demo`.`analytics`.`orders__ledger` WHERE pipeline = 'cluster-1/shop.orders' AND revision = 18) = 1, 1, CAST(ERROR('kafka-bq: ledger row missing or doubled') AS INT64)) AS pipelines;
INSERT INTO `demo`.`analytics`.`orders__batches` (pipeline, revision, batch_id, kind, ranges, messages, rows_staged, dead_lettered, ignored, load_job_ids, merge_job_id, dag_id, task_id, run_id, try_number, started_at, applied_at)
VALUES ('cluster-1/shop.orders', 18, '0123456789abcdef0123', 'live', ARRAY<STRUCT<`partition` INT64, start_offset INT64, end_offset INT64>>[(0, 0, 100), (3, 7, 9)], 0, 0, 0, 0, ARRAY<STRING>[], 'kafka-bq-merge-0123456789abcdef0123-17-0', 'shop', 'orders', 'manual__2026-01-31', 2, TIMESTAMP '2026-01-31 06:00:00.000000+00:00', CURRENT_TIMESTAMP());
COMMIT TRANSACTION;
