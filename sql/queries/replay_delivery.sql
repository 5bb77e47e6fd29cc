-- replay_delivery: it is due now, with all its attempts before it
-- $1 user, $2 webhook, $3 delivery
WITH hook AS (
    SELECT id, disabled_at IS NOT NULL AS disabled FROM webhooks WHERE user_id = $1 AND id = $2
), again AS (
    UPDATE deliveries d
    SET state = 'pending', attempts = 0, next_at = floor(extract(epoch FROM now()) * 1000), finished_at = NULL
    FROM hook WHERE NOT hook.disabled AND d.endpoint = hook.id AND d.id = $3
    RETURNING d.seq, d.id, d.state, d.attempts, d.created_at, d.next_at, d.finished_at, d.status, d.error, d.news
)
SELECT again.*, hook.disabled FROM hook LEFT JOIN again ON true
