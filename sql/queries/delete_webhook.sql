-- delete_webhook: deletes a webhook of a user with its deliveries
WITH removed AS (
    DELETE FROM webhooks WHERE user_id = $1 AND id = $2 RETURNING id
), removed_deliveries AS (
    DELETE FROM deliveries d USING removed WHERE d.endpoint = removed.id
)
SELECT id FROM removed
