-- store_notifications: moves the checkpoint of a partition if it is the expected one. In the same
-- transaction, stores the changed preferences and the outgoing notifications, and erases what deleted users
-- have. All rows are of this partition.
-- $1 partition, $2 expected checkpoint, $3 new checkpoint
-- $4 and $5 changed preferences: user, kinds that are not as they are by default, separated by commas
-- $6 deleted users
-- $7 to $9 groups of outgoing notifications: partition of the users, kind, content
-- $10 to $12 their notifications: index of the group from 1, user, id
WITH hit AS (
    UPDATE notifier_checkpoints SET position = $3, last_outgoing = last_outgoing + cardinality($7::smallint[])
    WHERE partition = $1 AND position = $2
    RETURNING partition, last_outgoing - cardinality($7::smallint[]) AS last_before
), preferences AS (
    INSERT INTO subscriptions (partition, user_id, changed_kinds)
    SELECT hit.partition, c.user_id, string_to_array(c.changed_kinds, ',')
    FROM hit, unnest($4::uuid[], $5::text[]) AS c (user_id, changed_kinds)
    ON CONFLICT (partition, user_id) DO UPDATE SET changed_kinds = EXCLUDED.changed_kinds
), emptied AS (
    DELETE FROM notifications n USING hit
    WHERE n.partition = hit.partition AND n.user_id = ANY ($6::uuid[])
), erased AS (
    DELETE FROM webhooks h USING hit
    WHERE h.partition = hit.partition AND h.user_id = ANY ($6::uuid[]) RETURNING h.partition, h.id
), cancelled AS (
    DELETE FROM deliveries WHERE (partition, endpoint) IN (
        SELECT partition, id FROM erased
        UNION ALL SELECT hit.partition, d.user_id FROM hit, unnest($6::uuid[]) AS d (user_id)
    )
), outgoing AS (
    INSERT INTO outgoing_notifications (partition, user_partition, number, kind, user_ids, ids, content)
    SELECT hit.partition, g.user_partition, hit.last_before + g.nth, g.kind, r.user_ids, r.ids, g.content
    FROM hit, unnest($7::smallint[], $8::text[], $9::bytea[]) WITH ORDINALITY AS g (user_partition, kind, content, nth)
    JOIN (
        SELECT r.nth, array_agg(r.user_id ORDER BY r.place) AS user_ids, array_agg(r.id ORDER BY r.place) AS ids
        FROM unnest($10::bigint[], $11::uuid[], $12::uuid[]) WITH ORDINALITY AS r (nth, user_id, id, place)
        GROUP BY r.nth
    ) AS r ON r.nth = g.nth
)
SELECT EXISTS (SELECT FROM hit)
