-- close_session: that token is not known any more
DELETE FROM sessions WHERE token_hash = $1
