-- all_parked_events: what operators look at
SELECT key, position, version, kind, reason, error, parked_at, asked, service, partition
FROM parked_events ORDER BY service, partition, position
