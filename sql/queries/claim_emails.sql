-- claim_emails: claims due e-mail deliveries, as claim_webhooks does; the address is the account's present
-- one
-- $1 users to skip, $2 maximum number of rows, $3 maximum number of rows per user, $4 lease in ms
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
), due AS (
    SELECT d.seq, d.endpoint, d.due_at FROM deliveries d, clock
    WHERE d.channel = 'email' AND d.state = 'pending' AND d.due_at <= clock.now AND d.endpoint <> ALL ($1::uuid[])
    ORDER BY d.due_at LIMIT 2000
), fair AS (
    SELECT seq, row_number() OVER (PARTITION BY endpoint ORDER BY due_at, seq) AS nth FROM due
), locked AS (
    SELECT d.seq FROM deliveries d JOIN fair ON fair.seq = d.seq, clock
    WHERE fair.nth <= $3::bigint AND d.state = 'pending' AND d.due_at <= clock.now
    ORDER BY fair.nth, d.due_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED
), claimed AS (
    UPDATE deliveries d SET due_at = clock.now + $4::bigint FROM locked, clock WHERE d.seq = locked.seq
    RETURNING d.seq, d.due_at, d.endpoint, d.id, d.attempts, d.content
)
SELECT c.seq, c.due_at, c.endpoint, c.id, c.attempts, c.content, a.email
FROM claimed c LEFT JOIN accounts a ON a.user_id = c.endpoint AND a.state = 'active'
ORDER BY c.seq
