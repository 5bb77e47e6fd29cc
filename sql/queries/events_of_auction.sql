-- events_of_auction: some events of an auction behind a version
-- $1 auction, $2 version, $3 at most so many
SELECT position, aggregate, version, kind, schema, at, command_id, body
FROM events WHERE aggregate = $1 AND version > $2 ORDER BY version LIMIT $3
