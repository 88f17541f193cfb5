WITH batches AS (
  SELECT B.batch_id, B.revision, B.kind, B.applied_at, B.messages - B.ignored AS expected, B.ranges
  FROM `demo`.`analytics`.`orders__batches` AS B
  WHERE B.pipeline = 'cluster-1/shop.orders' AND B.kind NOT IN ('redrive', 'seek') AND B.messages > B.ignored AND B.applied_at > TIMESTAMP '1970-01-01'),
pieces AS (
  SELECT A.batch_id, A.revision, R.`partition` AS part, R.start_offset AS low, R.end_offset AS high, block
  FROM batches AS A, UNNEST(A.ranges) AS R,
  UNNEST(GENERATE_ARRAY(DIV(R.start_offset, 1000), DIV(R.end_offset - 1, 1000))) AS block
  WHERE R.end_offset > R.start_offset),
places AS (
  SELECT DISTINCT part, at_offset, DIV(at_offset, 1000) AS block FROM (
    SELECT T._kafka_partition AS part, T._kafka_offset AS at_offset
    FROM `demo`.`analytics`.`orders` AS T WHERE T._kafka_topic = 'shop.orders' AND (T.`_kafka_timestamp` IS NULL OR T.`_kafka_timestamp` IS NOT NULL)
    UNION ALL SELECT L._kafka_partition, L._kafka_offset FROM `demo`.`analytics`.`orders__dead_letters` AS L
    WHERE L._kafka_topic = 'shop.orders' AND L.stage != 'lost')),
counted AS (
  SELECT P.batch_id, P.revision, COUNT(*) AS found FROM pieces AS P JOIN places AS O
  ON P.part = O.part AND P.block = O.block AND O.at_offset >= P.low AND O.at_offset < P.high
  GROUP BY P.batch_id, P.revision)
SELECT A.batch_id, A.revision, A.kind, A.applied_at, A.expected, IFNULL(C.found, 0) AS found
FROM batches AS A LEFT JOIN counted AS C ON A.batch_id = C.batch_id AND A.revision = C.revision
WHERE IFNULL(C.found, 0) < A.expected
ORDER BY A.revision LIMIT 100
