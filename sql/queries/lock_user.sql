-- lock_user: a user who is there, until the end of the transaction: what is written for him in it comes before
-- his deletion, or not at all
SELECT FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE
