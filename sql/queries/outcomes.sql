-- outcomes: what became of these commands
SELECT command_id, kind, key, fingerprint, partition, position, at, outcome
FROM commands WHERE command_id = ANY ($1)
