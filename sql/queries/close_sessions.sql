-- close_sessions: invalidates all session tokens of a user
DELETE FROM sessions WHERE user_id = $1
