-- deletions_after: users deleted since
SELECT seq, user_id FROM deletions WHERE seq > $1 ORDER BY seq
