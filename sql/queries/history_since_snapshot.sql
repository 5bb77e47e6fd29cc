-- history_since_snapshot: snapshots of some users and auctions, at a position or earlier, and the events
-- after each snapshot up to that position. Without a snapshot, all events up to the position. One statement
-- reads both, so that snapshots and events match.
-- $1 users and auctions, $2 position, $3 format of snapshots
WITH snapshot AS (
    SELECT position, aggregate, version, format, body
    FROM snapshots
    WHERE (partition, aggregate) IN (SELECT partition_of(wanted.id), wanted.id FROM unnest($1::uuid[]) AS wanted (id))
        AND position <= $2 AND format = $3
)
SELECT position, aggregate, version, NULL AS kind, format AS schema, 0::bigint AS at, aggregate AS command_id, body
FROM snapshot
UNION ALL
SELECT e.position, e.aggregate, e.version, e.kind, e.schema, e.at, e.command_id, e.body
FROM unnest($1::uuid[]) AS wanted (aggregate)
LEFT JOIN snapshot AS s ON s.aggregate = wanted.aggregate
CROSS JOIN LATERAL (
    SELECT * FROM events
    WHERE events.partition = partition_of(wanted.aggregate) AND events.aggregate = wanted.aggregate
        AND events.version > coalesce(s.version, 0) AND events.position <= $2
) AS e
ORDER BY aggregate, version
