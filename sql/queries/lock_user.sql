-- lock_user: locks an existing user until the end of the transaction. A deletion of the user waits for the
-- lock; if the user is deleted already, there is no row.
SELECT FROM users WHERE partition = partition_of($1) AND id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE
