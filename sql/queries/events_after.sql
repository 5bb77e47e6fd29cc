-- events_after: a partition's events behind a position
SELECT position, aggregate, version, kind, schema, at, command_id, body
FROM events WHERE partition = $1 AND position > $2 ORDER BY position LIMIT $3
