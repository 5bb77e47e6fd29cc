-- history: all events of some users and auctions up to a position
SELECT position, aggregate, version, kind, schema, at, command_id, body
FROM events WHERE aggregate = ANY ($1) AND position <= $2 ORDER BY aggregate, version
