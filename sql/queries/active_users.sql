-- active_users: those users that exist, are not deleted, and are not barred from the partition
-- $1 users, $2 partition
SELECT u.id
FROM unnest($1::uuid[]) AS wanted (id) JOIN users u ON u.partition = partition_of(wanted.id) AND u.id = wanted.id
WHERE u.deleted_at IS NULL
    AND NOT EXISTS (SELECT FROM barred_users b WHERE b.partition = $2 AND b.user_id = u.id)
