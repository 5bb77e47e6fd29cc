-- settle_deliveries: what came of attempts, as far as they still are the sender's own
-- $1 seq, $2 until when it was claimed, $3 state, $4 due again in ms, $5 whether it counts as an attempt,
-- $6 status, $7 error, $8 whether its endpoint wants nothing more
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
), given AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[], $6::smallint[],
                         $7::text[], $8::boolean[])
         AS g (seq, claimed, state, wait, counts, status, error, gone)
), settled AS (
    UPDATE deliveries d
    SET state = g.state, attempts = d.attempts + g.counts::int, next_at = clock.now + g.wait,
        status = CASE WHEN g.counts THEN g.status ELSE d.status END,
        error = CASE WHEN g.counts THEN g.error ELSE d.error END,
        finished_at = CASE WHEN g.state <> 'pending' THEN clock.now END
    FROM given g, clock WHERE d.seq = g.seq AND d.state = 'pending' AND d.next_at = g.claimed
    RETURNING d.endpoint, g.gone
)
UPDATE webhooks h SET disabled_at = clock.now
FROM settled s, clock WHERE s.gone AND h.id = s.endpoint AND h.disabled_at IS NULL
