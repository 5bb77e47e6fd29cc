-- unfinished_deletions: deleted users that may have open interests, the earliest retry first (limit)
SELECT seq, user_id, attempt, retry_at FROM deletions WHERE NOT finished ORDER BY retry_at, seq LIMIT $1
