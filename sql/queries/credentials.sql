-- credentials: password hash and role of the account with an e-mail address, if its user exists
SELECT a.user_id, a.password_hash, a.role
FROM accounts a JOIN users u ON u.partition = partition_of(a.user_id) AND u.id = a.user_id
WHERE lower(a.email) = lower($1) AND u.deleted_at IS NULL
