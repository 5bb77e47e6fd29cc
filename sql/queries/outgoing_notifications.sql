-- outgoing_notifications: outgoing groups to the users of a partition that are not placed, the oldest of each
-- partition of events. Removes those that are placed.
-- $1 partition of the users, $2 numbers that are placed, of each partition from 0, $3 maximum number of groups
WITH placed AS (
    SELECT (p.n - 1)::smallint AS partition, p.number FROM unnest($2::bigint[]) WITH ORDINALITY AS p (number, n)
), removed AS (
    DELETE FROM outgoing_notifications d USING placed p
    WHERE d.partition = p.partition AND d.user_partition = $1 AND d.number <= p.number
)
SELECT o.partition, o.number, o.kind, o.user_ids, o.ids, o.content
FROM placed p CROSS JOIN LATERAL (
    SELECT g.*, row_number() OVER (ORDER BY g.number) AS nth FROM outgoing_notifications g
    WHERE g.partition = p.partition AND g.user_partition = $1 AND g.number > p.number
    ORDER BY g.number LIMIT $3
) AS o
ORDER BY o.nth, o.partition LIMIT $3
