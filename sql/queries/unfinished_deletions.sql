-- unfinished_deletions: deletions that are not complete, the earliest retry first (limit)
SELECT user_id, attempt, retry_at FROM deletions WHERE NOT finished ORDER BY retry_at, user_id LIMIT $1
