-- mark_read: everything up to a place is read, as far as there is anything; never less than before
UPDATE inboxes SET read_up_to = greatest(read_up_to, least($2, last)) WHERE user_id = $1 RETURNING read_up_to
