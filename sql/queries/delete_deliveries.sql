-- delete_deliveries: some of those that were finished longer ago than that, by this server's clock
-- $1 ms, $2 at most so many
WITH old AS (
    SELECT seq FROM deliveries
    WHERE finished_at < (extract(epoch FROM statement_timestamp()) * 1000)::bigint - $1::bigint
    ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
), deleted AS (
    DELETE FROM deliveries d USING old WHERE d.seq = old.seq RETURNING 1
)
SELECT count(*) FROM deleted
