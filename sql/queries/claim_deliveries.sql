-- claim_deliveries: claims due deliveries of a channel for one dispatcher: until the lease ends, no other
-- dispatcher gets them; the destination is the present one of the webhook or the account
-- $1 channel, $2 endpoints to skip, $3 maximum number of rows, $4 maximum number of rows per endpoint,
-- $5 lease in ms
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
), due AS (
    SELECT d.partition, d.seq, d.endpoint, d.due_at FROM deliveries d, clock
    WHERE d.channel = $1 AND d.state = 'pending' AND d.due_at <= clock.now AND d.endpoint <> ALL ($2::uuid[])
    ORDER BY d.due_at LIMIT 2000
), fair AS (
    -- An endpoint with many due deliveries must not delay all other endpoints.
    SELECT partition, seq, row_number() OVER (PARTITION BY endpoint ORDER BY due_at, seq) AS nth FROM due
), locked AS (
    SELECT d.partition, d.seq FROM deliveries d JOIN fair ON fair.partition = d.partition AND fair.seq = d.seq, clock
    WHERE fair.nth <= $4::bigint AND d.state = 'pending' AND d.due_at <= clock.now
    ORDER BY fair.nth, d.due_at LIMIT $3 FOR UPDATE OF d SKIP LOCKED
), claimed AS (
    UPDATE deliveries d SET due_at = clock.now + $5::bigint FROM locked, clock
    WHERE d.partition = locked.partition AND d.seq = locked.seq
    RETURNING d.partition, d.seq, d.due_at, d.endpoint, d.id, d.attempts, d.content
)
SELECT c.seq, c.due_at, c.endpoint, c.id, c.attempts, c.content,
       h.url, h.secret, h.previous_until > clock.now AS previous, h.disabled_at IS NOT NULL AS disabled, a.email,
       c.partition
FROM clock, claimed c LEFT JOIN webhooks h ON h.partition = c.partition AND h.id = c.endpoint
LEFT JOIN accounts a ON a.user_id = c.endpoint AND a.state = 'active'
ORDER BY c.seq
