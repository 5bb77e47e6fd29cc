-- close_sessions: nor any token of that user
DELETE FROM sessions WHERE user_id = $1
