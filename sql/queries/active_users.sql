-- active_users: users among $1 that exist and are not deleted
SELECT id FROM users WHERE id = ANY ($1) AND deleted_at IS NULL
