-- removals_sent: notes that the commands that follow from bars were sent once more
-- $1 partitions, $2 users, $3 attempts so far, $4 when to send again
UPDATE barred_users b SET attempt = b.attempt + 1, retry_at = s.retry_at
FROM unnest($1::smallint[], $2::uuid[], $3::integer[], $4::bigint[]) AS s (partition, user_id, attempt, retry_at)
WHERE b.partition = s.partition AND b.user_id = s.user_id AND b.attempt = s.attempt
