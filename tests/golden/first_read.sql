SELECT r.`partition` AS `partition`, MIN(r.start_offset) AS found
FROM `demo`.`analytics`.`orders__batches` AS h, UNNEST(h.ranges) AS r
WHERE h.pipeline = 'cluster-1/shop.orders' AND h.kind = 'live' AND h.applied_at > TIMESTAMP '1970-01-01'
GROUP BY `partition`
