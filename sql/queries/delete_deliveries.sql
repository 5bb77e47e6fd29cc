-- delete_deliveries: deletes the oldest finished deliveries, by age on this server's clock
-- $1 minimum age in ms, $2 maximum number of rows
WITH old AS (
    SELECT partition, seq FROM deliveries
    WHERE finished_at < (extract(epoch FROM statement_timestamp()) * 1000)::bigint - $1::bigint
    ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
), deleted AS (
    DELETE FROM deliveries d USING old WHERE d.partition = old.partition AND d.seq = old.seq RETURNING 1
)
SELECT count(*) FROM deleted
