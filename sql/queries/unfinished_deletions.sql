-- unfinished_deletions: deleted users of whom something may be left, those to be looked at first, first (limit)
SELECT seq, user_id, attempt, again_at FROM deletions WHERE NOT finished ORDER BY again_at, seq LIMIT $1
