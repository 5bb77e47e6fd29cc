-- rotate_webhook: switches to the next secret; for some time, messages are signed with the previous one as
-- well
-- $1 user, $2 webhook, $3 overlap in ms
UPDATE webhooks SET secret = secret + 1,
    previous_until = floor(extract(epoch FROM now()) * 1000)::bigint + $3::bigint
WHERE partition = partition_of($1) AND user_id = $1 AND id = $2
RETURNING id, url, secret, previous_until, created_at, disabled_at
