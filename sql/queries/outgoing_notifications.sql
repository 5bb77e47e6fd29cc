-- outgoing_notifications: outgoing groups to the users of a partition that are not placed, the oldest of each
-- partition of events. Begins with another partition at each version, so that none waits for the others.
-- $1 partition of the users, $2 numbers that are placed, of each partition from 0, $3 maximum number of groups
-- $4 version of the progress
SELECT o.partition, o.number, o.kind, o.user_ids, o.ids, o.content
FROM (
    SELECT (p.n - 1)::smallint AS partition, p.number FROM unnest($2::bigint[]) WITH ORDINALITY AS p (number, n)
    ORDER BY (p.n + $4) % cardinality($2::bigint[])
) AS placed CROSS JOIN LATERAL (
    SELECT * FROM outgoing_notifications g
    WHERE g.partition = placed.partition AND g.user_partition = $1 AND g.number > placed.number
    ORDER BY g.number LIMIT $3
) AS o
LIMIT $3
