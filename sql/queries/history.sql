-- history: all events of some users and auctions up to a position
SELECT position, aggregate, version, kind, schema, at, command_id, body
FROM events
WHERE (partition, aggregate) IN (SELECT partition_of(wanted.id), wanted.id FROM unnest($1::uuid[]) AS wanted (id))
    AND position <= $2
ORDER BY aggregate, version
