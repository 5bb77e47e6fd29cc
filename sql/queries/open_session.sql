-- open_session: a token of a user who has an account
-- $1 hash of the token, $2 user, $3 from, $4 until
INSERT INTO sessions (token_hash, user_id, created_at, expires_at)
SELECT $1, user_id, $3, $4 FROM accounts WHERE user_id = $2
RETURNING 1
