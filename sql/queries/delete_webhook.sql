-- delete_webhook: one of a user, and what was to be sent there
WITH gone AS (
    DELETE FROM webhooks WHERE user_id = $1 AND id = $2 RETURNING id
), forgotten AS (
    DELETE FROM deliveries d USING gone WHERE d.endpoint = gone.id
)
SELECT id FROM gone
