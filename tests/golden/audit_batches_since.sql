SELECT COUNT(*) AS n FROM `demo`.`analytics`.`orders__batches` WHERE applied_at >= TIMESTAMP '2026-01-01 00:00:00.000000+00:00'
