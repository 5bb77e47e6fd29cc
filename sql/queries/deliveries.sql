-- deliveries: what was and will be sent to a webhook, the newest first; a row of nothing if there is none
-- $1 user, $2 webhook, $3 before this one, $4 at most so many
SELECT d.seq, d.id, d.state, d.attempts, d.created_at, d.next_at, d.finished_at, d.status, d.error, d.news
FROM webhooks h
LEFT JOIN LATERAL (
    SELECT * FROM deliveries d WHERE d.endpoint = h.id AND d.seq < $3 ORDER BY d.seq DESC LIMIT $4
) d ON true
WHERE h.user_id = $1 AND h.id = $2
ORDER BY d.seq DESC
