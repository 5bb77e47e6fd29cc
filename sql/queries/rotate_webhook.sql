-- rotate_webhook: the next secret; the one before signs as well for so many ms
-- $1 user, $2 webhook, $3 ms
UPDATE webhooks SET secret = secret + 1,
    previous_until = floor(extract(epoch FROM now()) * 1000)::bigint + $3::bigint
WHERE user_id = $1 AND id = $2
RETURNING id, url, secret, previous_until, created_at, disabled_at
