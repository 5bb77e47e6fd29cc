-- newest_user_event: newest event of a user: it decides whether the user exists, and the notification
-- preferences
SELECT kind, schema, body FROM events WHERE partition = partition_of($1) AND aggregate = $1 ORDER BY version DESC LIMIT 1
