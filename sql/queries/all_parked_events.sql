-- all_parked_events: parked events of all components, for operators
SELECT key, position, version, kind, reason, error, parked_at, requested_action, component, partition
FROM parked_events ORDER BY component, partition, position
