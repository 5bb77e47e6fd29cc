-- close_session: invalidates one session token
DELETE FROM sessions WHERE token_hash = $1
