-- placement_progress: version and progress of placing notifications to the users of a partition
-- $1 partition of the users
WITH new AS (INSERT INTO inbox_placements (partition) VALUES ($1) ON CONFLICT DO NOTHING)
SELECT version, placed FROM inbox_placements WHERE partition = $1
