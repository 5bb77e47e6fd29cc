-- store_notifications: moves the checkpoint of a partition if it is the expected one. In the same
-- transaction, stores the changed preferences and the wanted notifications, and queues the deliveries.
-- $1 partition, $2 expected checkpoint, $3 new checkpoint, $4 inbox size
-- $5 and $6 changed preferences: user, kinds that are not as they are by default, separated by commas
-- $7 deleted users
-- $8 to $12 notifications: user, id, kind, whether the kind is on by default, content
-- $13 kinds that are sent by e-mail
WITH hit AS (
    UPDATE notifier_checkpoints SET position = $3 WHERE partition = $1 AND position = $2 RETURNING partition
), preferences AS (
    INSERT INTO subscriptions (partition, user_id, changed_kinds)
    SELECT partition_of(c.user_id), c.user_id, string_to_array(c.changed_kinds, ',')
    FROM hit, unnest($5::uuid[], $6::text[]) AS c (user_id, changed_kinds)
    ON CONFLICT (partition, user_id) DO UPDATE SET changed_kinds = EXCLUDED.changed_kinds
), emptied AS (
    DELETE FROM notifications n USING hit, unnest($7::uuid[]) AS d (user_id)
    WHERE n.partition = partition_of(d.user_id) AND n.user_id = d.user_id
), erased AS (
    DELETE FROM webhooks h USING hit, unnest($7::uuid[]) AS d (user_id)
    WHERE h.partition = partition_of(d.user_id) AND h.user_id = d.user_id RETURNING h.partition, h.id
), cancelled AS (
    DELETE FROM deliveries WHERE (partition, endpoint) IN (
        SELECT partition, id FROM erased
        UNION ALL SELECT partition_of(d.user_id), d.user_id FROM hit, unnest($7::uuid[]) AS d (user_id)
    )
), wanted AS MATERIALIZED (
    SELECT partition_of(n.user_id) AS partition, n.user_id, n.id, n.kind, n.content,
           row_number() OVER (PARTITION BY n.user_id ORDER BY n.place) AS nth
    FROM hit, unnest($8::uuid[], $9::uuid[], $10::text[], $11::boolean[], $12::bytea[])
         WITH ORDINALITY AS n (user_id, id, kind, on_by_default, content, place)
    LEFT JOIN subscriptions s ON s.partition = partition_of(n.user_id) AND s.user_id = n.user_id
    WHERE n.on_by_default <> coalesce(n.kind = ANY (s.changed_kinds), false)
), advanced AS (
    -- The row is locked until the commit, so sequence numbers are given in the order of commits. Rows are
    -- locked in the order of users, so that two partitions cannot deadlock.
    INSERT INTO inboxes AS i (partition, user_id, last)
    SELECT partition, user_id, max(nth) FROM wanted GROUP BY partition, user_id ORDER BY partition, user_id
    ON CONFLICT (partition, user_id) DO UPDATE SET last = i.last + EXCLUDED.last
    RETURNING partition, user_id, last
), placed AS (
    INSERT INTO notifications (partition, user_id, seq, id, content)
    SELECT w.partition, w.user_id, a.last - max(w.nth) OVER (PARTITION BY w.user_id) + w.nth, w.id, w.content
    FROM wanted w JOIN advanced a ON a.user_id = w.user_id
    RETURNING user_id, seq, id
), queued AS (
    INSERT INTO deliveries (partition, channel, endpoint, id, content, created_at, due_at)
    SELECT message.*, clock.now, clock.now
    FROM (
        SELECT w.partition, 'webhook', h.id, w.id, w.content
        FROM wanted w JOIN webhooks h ON h.partition = w.partition AND h.user_id = w.user_id
        WHERE h.disabled_at IS NULL AND w.user_id <> ALL ($7)
        UNION ALL
        SELECT w.partition, 'email', a.user_id, w.id, w.content FROM wanted w JOIN accounts a ON a.user_id = w.user_id
        WHERE a.state = 'active' AND w.kind = ANY ($13::text[]) AND w.user_id <> ALL ($7)
    ) AS message, (SELECT (extract(epoch FROM now()) * 1000)::bigint AS now) AS clock
    ON CONFLICT DO NOTHING
), removed AS (
    DELETE FROM notifications n USING advanced a
    WHERE n.partition = a.partition AND n.user_id = a.user_id AND n.seq <= a.last - $4
)
SELECT hit.partition IS NOT NULL AS hit, placed.user_id, placed.seq, placed.id
FROM (SELECT) AS always LEFT JOIN hit ON true LEFT JOIN placed ON true
