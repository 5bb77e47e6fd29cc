-- park_event: parks an event, and with it all later events of the same user or auction
-- $1 component, $2 partition, $3 user or auction, $4 position, $5 version, $6 kind, $7 reason, $8 error
INSERT INTO parked_events (component, partition, key, position, version, kind, reason, error, parked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, floor(extract(epoch FROM now()) * 1000))
ON CONFLICT (partition, component, key) DO UPDATE SET
    position = excluded.position, version = excluded.version, kind = excluded.kind, reason = excluded.reason,
    error = excluded.error, parked_at = excluded.parked_at, requested_action = NULL
