-- create_webhook: one more, unless the user has so many; his row is locked
-- $1 id, $2 user, $3 URL, $4 at most so many
INSERT INTO webhooks (id, user_id, url, created_at)
SELECT $1, $2, $3, floor(extract(epoch FROM now()) * 1000)
WHERE (SELECT count(*) FROM webhooks WHERE user_id = $2) < $4
RETURNING id, url, secret, previous_until, created_at, disabled_at
