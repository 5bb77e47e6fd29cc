-- parked_events: what a service has parked in a partition
SELECT key, position, version, kind, reason, error, parked_at, asked
FROM parked_events WHERE service = $1 AND partition = $2 ORDER BY position
