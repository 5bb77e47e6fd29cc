-- outcomes: outcomes of some commands
-- $1 commands, $2 their partition; null if it is not known
SELECT command_id, kind, key, fingerprint, partition, position, at, outcome
FROM command_outcomes
WHERE partition = ANY (CASE WHEN $2::smallint IS NULL THEN (SELECT array_agg(id) FROM partitions) ELSE ARRAY[$2::smallint] END) AND command_id = ANY ($1)
