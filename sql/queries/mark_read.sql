-- mark_read: marks notifications as read up to a sequence number, at most the newest; never moves back
UPDATE inboxes SET read_up_to = greatest(read_up_to, least($2, last))
WHERE partition = partition_of($1) AND user_id = $1 RETURNING read_up_to
