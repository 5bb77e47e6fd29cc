-- claim_webhooks: deliveries that are due, for one sender to try, until a time by which it has
-- $1 endpoints that are busy, $2 at most so many, $3 of each endpoint at most so many, $4 for so many ms
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
), due AS (
    SELECT d.seq, d.endpoint, d.next_at FROM deliveries d, clock
    WHERE d.way = 'webhook' AND d.state = 'pending' AND d.next_at <= clock.now AND d.endpoint <> ALL ($1::uuid[])
    ORDER BY d.next_at LIMIT 2000
), fair AS (
    -- One with many due does not take the turn of all others.
    SELECT seq, row_number() OVER (PARTITION BY endpoint ORDER BY next_at, seq) AS nth FROM due
), mine AS (
    SELECT d.seq FROM deliveries d JOIN fair ON fair.seq = d.seq, clock
    WHERE fair.nth <= $3::bigint AND d.state = 'pending' AND d.next_at <= clock.now
    ORDER BY fair.nth, d.next_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED
), claimed AS (
    UPDATE deliveries d SET next_at = clock.now + $4::bigint FROM mine, clock WHERE d.seq = mine.seq
    RETURNING d.seq, d.next_at, d.endpoint, d.id, d.attempts, d.news
)
SELECT c.seq, c.next_at, c.endpoint, c.id, c.attempts, c.news,
       h.url, h.secret, h.previous_until > clock.now AS previous, h.disabled_at IS NOT NULL AS disabled
FROM clock, claimed c LEFT JOIN webhooks h ON h.id = c.endpoint
ORDER BY c.seq
