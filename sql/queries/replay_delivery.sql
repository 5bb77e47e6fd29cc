-- replay_delivery: makes a delivery due now, with no attempts counted; no row without the webhook
-- $1 user, $2 webhook, $3 notification
WITH hook AS (
    SELECT partition, id, disabled_at IS NOT NULL AS disabled
    FROM webhooks WHERE partition = partition_of($1) AND user_id = $1 AND id = $2
), replayed AS (
    UPDATE deliveries d
    SET state = 'pending', attempts = 0, due_at = floor(extract(epoch FROM now()) * 1000), finished_at = NULL
    FROM hook WHERE NOT hook.disabled AND d.partition = hook.partition AND d.endpoint = hook.id AND d.id = $3
    RETURNING d.seq, d.id, d.state, d.attempts, d.created_at, d.due_at, d.finished_at, d.status, d.error, d.content
)
SELECT replayed.*, hook.disabled FROM hook LEFT JOIN replayed ON true
