-- active_users: those of these who exist and are not deleted
SELECT id FROM users WHERE id = ANY ($1) AND deleted_at IS NULL
