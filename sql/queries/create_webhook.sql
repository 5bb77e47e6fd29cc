-- create_webhook: stores a webhook unless the user has the maximum number; the user's row is locked
-- (lock_user)
-- $1 webhook, $2 user, $3 URL, $4 maximum number of webhooks per user
INSERT INTO webhooks (partition, id, user_id, url, created_at)
SELECT partition_of($2), $1, $2, $3, floor(extract(epoch FROM now()) * 1000)
WHERE (SELECT count(*) FROM webhooks WHERE partition = partition_of($2) AND user_id = $2) < $4
RETURNING id, url, secret, previous_until, created_at, disabled_at
