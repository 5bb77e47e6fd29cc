-- delete_webhook: deletes a webhook of a user with its deliveries
WITH removed AS (
    DELETE FROM webhooks WHERE partition = partition_of($1) AND user_id = $1 AND id = $2 RETURNING partition, id
), removed_deliveries AS (
    DELETE FROM deliveries d USING removed WHERE d.partition = removed.partition AND d.endpoint = removed.id
)
SELECT id FROM removed
