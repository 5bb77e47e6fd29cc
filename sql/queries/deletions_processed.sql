-- deletions_processed: notes that deletions were processed once more
-- $1 users, $2 attempts so far, $3 when to process them again
UPDATE deletions SET attempt = deletions.attempt + 1, retry_at = s.retry_at
FROM unnest($1::uuid[], $2::integer[], $3::bigint[]) AS s (user_id, attempt, retry_at)
WHERE deletions.partition = partition_of(s.user_id) AND deletions.user_id = s.user_id AND NOT deletions.finished AND deletions.attempt = s.attempt
