-- place_notifications: moves the progress of placing to the users of a partition if it has the expected
-- version. In the same transaction, stores the wanted notifications and queues the deliveries. All rows are of
-- this partition.
-- $1 partition of the users, $2 expected version, $3 numbers that are placed, of each partition from 0
-- $4 inbox size
-- $5 to $9 notifications: user, id, kind, whether the kind is on by default, content
-- $10 kinds that are sent by e-mail
WITH hit AS (
    UPDATE inbox_placements SET version = version + 1, placed = $3
    WHERE partition = $1 AND version = $2 RETURNING partition
), wanted AS MATERIALIZED (
    SELECT hit.partition, n.user_id, n.id, n.kind, n.content, n.place,
           row_number() OVER (PARTITION BY n.user_id ORDER BY n.place) AS nth
    FROM hit CROSS JOIN unnest($5::uuid[], $6::uuid[], $7::text[], $8::boolean[], $9::bytea[])
         WITH ORDINALITY AS n (user_id, id, kind, on_by_default, content, place)
    LEFT JOIN subscriptions s ON s.partition = hit.partition AND s.user_id = n.user_id
    WHERE n.on_by_default <> coalesce(n.kind = ANY (s.changed_kinds), false)
), advanced AS (
    INSERT INTO inboxes AS i (partition, user_id, last)
    SELECT partition, user_id, max(nth) FROM wanted GROUP BY partition, user_id
    ON CONFLICT (partition, user_id) DO UPDATE SET last = i.last + EXCLUDED.last
    RETURNING partition, user_id, last
), stored AS (
    INSERT INTO notifications (partition, user_id, seq, id, content)
    SELECT w.partition, w.user_id, a.last - max(w.nth) OVER (PARTITION BY w.user_id) + w.nth, w.id, w.content
    FROM wanted w JOIN advanced a ON a.user_id = w.user_id
    RETURNING user_id, seq, id
), queued AS (
    INSERT INTO deliveries (partition, channel, endpoint, id, content, created_at, due_at)
    SELECT m.partition, m.channel, m.endpoint, m.id, m.content, clock.now, clock.now
    FROM (
        SELECT w.partition, 'webhook' AS channel, h.id AS endpoint, w.id, w.content, w.place
        FROM wanted w JOIN webhooks h ON h.partition = w.partition AND h.user_id = w.user_id
        WHERE h.disabled_at IS NULL
        UNION ALL
        SELECT w.partition, 'email', a.user_id, w.id, w.content, w.place
        FROM wanted w JOIN accounts a ON a.user_id = w.user_id
        WHERE a.state = 'active' AND w.kind = ANY ($10::text[])
    ) AS m, (SELECT (extract(epoch FROM now()) * 1000)::bigint AS now) AS clock
    ORDER BY m.place
    ON CONFLICT DO NOTHING
), removed AS (
    DELETE FROM notifications n USING advanced a
    WHERE n.partition = a.partition AND n.user_id = a.user_id AND n.seq <= a.last - $4
)
SELECT hit.partition IS NOT NULL AS hit, stored.user_id, stored.seq, stored.id
FROM (SELECT) AS always LEFT JOIN hit ON true LEFT JOIN stored ON true
