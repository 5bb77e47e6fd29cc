-- notifier_checkpoint: position up to which the notifier handled a partition's events; zero for a new
-- partition
WITH new AS (INSERT INTO notifier_checkpoints (partition, position) VALUES ($1, 0) ON CONFLICT DO NOTHING)
SELECT coalesce((SELECT position FROM notifier_checkpoints WHERE partition = $1), 0)
