-- notifier_checkpoint: up to where a partition's events were told; a new partition begins at zero
WITH new AS (INSERT INTO notifier_checkpoints (partition, position) VALUES ($1, 0) ON CONFLICT DO NOTHING)
SELECT coalesce((SELECT position FROM notifier_checkpoints WHERE partition = $1), 0)
