-- history_since_snapshot: snapshots of some users and auctions as of a position at most, and the events behind
-- them up to that position; of those without one all events. In one statement, so that they fit together
-- $1 users and auctions, $2 position, $3 format of snapshots
WITH snapshot AS (
    SELECT position, aggregate, version, format, body
    FROM snapshots WHERE aggregate = ANY ($1) AND position <= $2 AND format = $3
)
SELECT position, aggregate, version, NULL AS kind, format AS schema, 0::bigint AS at, aggregate AS command_id, body
FROM snapshot
UNION ALL
SELECT e.position, e.aggregate, e.version, e.kind, e.schema, e.at, e.command_id, e.body
FROM unnest($1::uuid[]) AS wanted (aggregate)
LEFT JOIN snapshot AS s ON s.aggregate = wanted.aggregate
CROSS JOIN LATERAL (
    SELECT * FROM events
    WHERE events.aggregate = wanted.aggregate AND events.version > coalesce(s.version, 0) AND events.position <= $2
) AS e
ORDER BY aggregate, version
