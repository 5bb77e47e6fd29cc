-- deliveries: deliveries to a webhook, newest first; no row without the webhook, a row of nulls without
-- deliveries
-- $1 user, $2 webhook, $3 sequence number to start before, $4 maximum number of rows
SELECT d.seq, d.id, d.state, d.attempts, d.created_at, d.due_at, d.finished_at, d.status, d.error, d.content
FROM webhooks h
LEFT JOIN LATERAL (
    SELECT * FROM deliveries d WHERE d.partition = h.partition AND d.endpoint = h.id AND d.seq < $3 ORDER BY d.seq DESC LIMIT $4
) d ON true
WHERE h.partition = partition_of($1) AND h.user_id = $1 AND h.id = $2
ORDER BY d.seq DESC
