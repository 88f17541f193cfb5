SELECT COUNT(*) AS found FROM `demo`.`analytics`.`orders__batches` WHERE batch_id = '0123456789abcdef0123' AND revision = 18 AND applied_at > TIMESTAMP '1970-01-01'
