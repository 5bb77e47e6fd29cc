-- record_attempts: stores the results of delivery attempts; results of lost claims are ignored
-- $1 sequence numbers, $2 claims (due_at as it was claimed), $3 new states, $4 ms until the next attempt,
-- $5 whether it counts as an attempt, $6 HTTP or SMTP statuses, $7 errors, $8 whether to disable the endpoint
-- (HTTP 410), $9 partitions
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
), given AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[], $6::smallint[],
                         $7::text[], $8::boolean[], $9::smallint[])
         AS g (seq, claimed, state, wait, counts, status, error, gone, partition)
), recorded AS (
    UPDATE deliveries d
    SET state = g.state, attempts = d.attempts + g.counts::int, due_at = clock.now + g.wait,
        status = CASE WHEN g.counts THEN g.status ELSE d.status END,
        error = CASE WHEN g.counts THEN g.error ELSE d.error END,
        finished_at = CASE WHEN g.state <> 'pending' THEN clock.now END
    FROM given g, clock WHERE d.partition = g.partition AND d.seq = g.seq AND d.state = 'pending' AND d.due_at = g.claimed
    RETURNING d.partition, d.endpoint, g.gone
)
UPDATE webhooks h SET disabled_at = clock.now
FROM recorded r, clock WHERE r.gone AND h.partition = r.partition AND h.id = r.endpoint AND h.disabled_at IS NULL
