-- inbox: the newest notifications of a user; no row without an inbox
-- $1 user, $2 inbox size
SELECT i.last, i.read_up_to, n.seq, n.id, n.content
FROM inboxes i
LEFT JOIN notifications n ON n.partition = i.partition AND n.user_id = i.user_id AND n.seq > i.last - $2
WHERE i.partition = partition_of($1) AND i.user_id = $1 ORDER BY n.seq
