-- parked_events: parked events of a component in a partition
SELECT key, position, version, kind, reason, error, parked_at, requested_action
FROM parked_events WHERE component = $1 AND partition = $2 ORDER BY position
