-- claim_emails: as claim_webhooks, to addresses of accounts
-- $1 users that are busy, $2 at most so many, $3 of each user at most so many, $4 for so many ms
WITH clock AS MATERIALIZED (
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
), due AS (
    SELECT d.seq, d.endpoint, d.next_at FROM deliveries d, clock
    WHERE d.way = 'email' AND d.state = 'pending' AND d.next_at <= clock.now AND d.endpoint <> ALL ($1::uuid[])
    ORDER BY d.next_at LIMIT 2000
), fair AS (
    SELECT seq, row_number() OVER (PARTITION BY endpoint ORDER BY next_at, seq) AS nth FROM due
), mine AS (
    SELECT d.seq FROM deliveries d JOIN fair ON fair.seq = d.seq, clock
    WHERE fair.nth <= $3::bigint AND d.state = 'pending' AND d.next_at <= clock.now
    ORDER BY fair.nth, d.next_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED
), claimed AS (
    UPDATE deliveries d SET next_at = clock.now + $4::bigint FROM mine, clock WHERE d.seq = mine.seq
    RETURNING d.seq, d.next_at, d.endpoint, d.id, d.attempts, d.news
)
SELECT c.seq, c.next_at, c.endpoint, c.id, c.attempts, c.news, a.email
FROM claimed c LEFT JOIN accounts a ON a.user_id = c.endpoint AND a.state = 'active'
ORDER BY c.seq
