SELECT COUNT(*) AS batches, IFNULL(SUM(ARRAY_LENGTH(load_job_ids)), 0) AS load_jobs FROM `demo`.`analytics`.`orders__batches` WHERE applied_at >= TIMESTAMP '2026-01-30 06:00:00.000000+00:00'
