-- open_session: stores a session of a user; returns no row if the user has no account
-- A statement whose answer was lost is repeated: the same session again is no error.
-- $1 hash of the token, $2 user, $3 created at, $4 expires at
INSERT INTO sessions (token_hash, user_id, created_at, expires_at)
SELECT $1, user_id, $3, $4 FROM accounts WHERE user_id = $2
ON CONFLICT (token_hash) DO UPDATE SET expires_at = excluded.expires_at
RETURNING 1
