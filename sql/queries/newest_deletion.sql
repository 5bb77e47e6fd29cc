-- newest_deletion: sequence number of the newest user deletion
SELECT coalesce(max(seq), 0) FROM deletions
