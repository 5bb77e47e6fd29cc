-- active_users: those users that exist, are not deleted, and are not barred from the partition
-- $1 users, $2 partition
SELECT id FROM users
WHERE id = ANY ($1) AND deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM barred_users b WHERE b.partition = $2 AND b.user_id = users.id)
