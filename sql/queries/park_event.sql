-- park_event: a user or auction waits from that event on
INSERT INTO parked_events (service, partition, key, position, version, kind, reason, error, parked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, floor(extract(epoch FROM now()) * 1000))
ON CONFLICT (service, key) DO UPDATE SET
    position = excluded.position, version = excluded.version, kind = excluded.kind, reason = excluded.reason,
    error = excluded.error, parked_at = excluded.parked_at, asked = NULL
