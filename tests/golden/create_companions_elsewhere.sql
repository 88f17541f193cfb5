CREATE TABLE IF NOT EXISTS `other-project`.`companions`.`orders__ledger`
OPTIONS(kms_key_name='projects/demo/locations/eu/keyRings/ring/cryptoKeys/key') AS
SELECT '*' AS pipeline, CAST(NULL AS STRING) AS topic, CAST(NULL AS STRING) AS topic_id, CAST(NULL AS STRING) AS cluster_id, CAST(NULL AS STRING) AS group_id, 0 AS revision, CAST(NULL AS STRING) AS batch_id, CAST(NULL AS STRING) AS job_id, ARRAY<STRUCT<`partition` INT64, next_offset INT64, leader_epoch INT64>>[] AS positions, CAST(NULL AS TIMESTAMP) AS target_created_at, CURRENT_TIMESTAMP() AS updated_at, CAST(NULL AS STRING) AS updated_by;
CREATE TABLE IF NOT EXISTS `other-project`.`companions`.`orders__batches` (
  pipeline STRING, revision INT64, batch_id STRING, kind STRING,
  ranges ARRAY<STRUCT<`partition` INT64, start_offset INT64, end_offset INT64>>,
  messages INT64, rows_staged INT64, dead_lettered INT64, ignored INT64,
  load_job_ids ARRAY<STRING>, merge_job_id STRING,
  dag_id STRING, task_id STRING, run_id STRING, try_number INT64,
  started_at TIMESTAMP, applied_at TIMESTAMP
)
PARTITION BY DATE(applied_at)
CLUSTER BY pipeline, batch_id
OPTIONS(kms_key_name='projects/demo/locations/eu/keyRings/ring/cryptoKeys/key');
CREATE TABLE IF NOT EXISTS `other-project`.`companions`.`orders__dead_letters` (
  _kafka_topic STRING, _kafka_partition INT64, _kafka_offset INT64, _kafka_timestamp TIMESTAMP,
  _kafka_key BYTES, _kafka_value BYTES, _kafka_headers ARRAY<STRUCT<key STRING, value BYTES>>, _kafka_end_offset INT64,
  stage STRING, reason STRING, error STRING, schema_id INT64,
  batch_id STRING, failed_at TIMESTAMP, redriven_at TIMESTAMP, copied_at TIMESTAMP
)
PARTITION BY DATE(_kafka_timestamp)
CLUSTER BY _kafka_topic, _kafka_partition, _kafka_offset
OPTIONS(kms_key_name='projects/demo/locations/eu/keyRings/ring/cryptoKeys/key')
