-- webhooks: all webhooks of a user, oldest first
SELECT id, url, secret, previous_until, created_at, disabled_at FROM webhooks
WHERE partition = partition_of($1) AND user_id = $1
ORDER BY created_at, id
