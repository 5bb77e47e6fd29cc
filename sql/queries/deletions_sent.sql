-- deletions_sent: notes that the commands that follow from deletions were sent once more
-- $1 sequence numbers, $2 attempts so far, $3 when to send again
UPDATE deletions SET attempt = deletions.attempt + 1, retry_at = s.retry_at
FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS s (seq, attempt, retry_at)
WHERE deletions.seq = s.seq AND deletions.attempt = s.attempt
