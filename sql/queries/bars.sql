-- bars: the bars of deleted users in all partitions
SELECT b.partition, b.user_id, b.attempt, b.retry_at, b.finished
FROM partitions p JOIN barred_users b ON b.partition = p.id AND b.user_id = ANY ($1)
