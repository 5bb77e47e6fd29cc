-- remove_placed: removes the outgoing groups to the users of a partition that are placed.
-- $1 partition of the users, $2 numbers that are placed, of each partition from 0
DELETE FROM outgoing_notifications d
USING unnest($2::bigint[]) WITH ORDINALITY AS p (number, n)
WHERE d.partition = (p.n - 1)::smallint AND d.user_partition = $1 AND d.number <= p.number
