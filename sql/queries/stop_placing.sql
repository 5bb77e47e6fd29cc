-- stop_placing: turns off all notifications of users who are about to be erased, if the checkpoint of their
-- partition is the expected one. Placements that began before are either committed when this returns, or
-- change nothing, because the version moved.
-- $1 partition, $2 expected checkpoint, $3 deleted users, $4 kinds that are on by default
WITH hit AS (
    SELECT partition FROM notifier_checkpoints WHERE partition = $1 AND position = $2
), preferences AS (
    INSERT INTO subscriptions (partition, user_id, changed_kinds)
    SELECT hit.partition, d.user_id, $4::text[] FROM hit, unnest($3::uuid[]) AS d (user_id)
    ON CONFLICT (partition, user_id) DO UPDATE SET changed_kinds = EXCLUDED.changed_kinds
)
INSERT INTO inbox_placements AS i (partition, version) SELECT hit.partition, 1 FROM hit
ON CONFLICT (partition) DO UPDATE SET version = i.version + 1
