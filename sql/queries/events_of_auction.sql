-- events_of_auction: events of an auction after a version
-- $1 auction, $2 version, $3 maximum number of rows
SELECT position, aggregate, version, kind, schema, at, command_id, body
FROM events WHERE partition = partition_of($1) AND aggregate = $1 AND version > $2 ORDER BY version LIMIT $3
