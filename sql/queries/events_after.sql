-- events_after: events of a partition after a position
SELECT position, aggregate, version, kind, schema, at, command_id, body
FROM events WHERE partition = $1 AND position > $2 ORDER BY position LIMIT $3
