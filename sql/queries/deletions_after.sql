-- deletions_after: user deletions after a sequence number
SELECT seq, user_id FROM deletions WHERE seq > $1 ORDER BY seq
