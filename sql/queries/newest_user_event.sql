-- newest_user_event: what a user is and wants to be told follows from his newest event
SELECT kind, schema, body FROM events WHERE aggregate = $1 ORDER BY version DESC LIMIT 1
