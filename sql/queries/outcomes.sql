-- outcomes: outcomes of some commands
SELECT command_id, kind, key, fingerprint, partition, position, at, outcome
FROM command_outcomes WHERE command_id = ANY ($1)
