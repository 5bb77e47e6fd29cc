-- newest_deletion: what a writer knows that starts without any memory of users
SELECT coalesce(max(seq), 0) FROM deletions
