-- inbox: everything that a user's inbox keeps, at most so many
SELECT i.last, i.read_up_to, n.seq, n.id, n.news
FROM inboxes i LEFT JOIN notifications n ON n.user_id = i.user_id AND n.seq > i.last - $2
WHERE i.user_id = $1 ORDER BY n.seq
