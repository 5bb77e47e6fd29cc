-- finish_deletions: notes that deleted users have nothing left in any partition
UPDATE deletions SET finished = true FROM unnest($1::uuid[]) AS done (user_id)
WHERE deletions.partition = partition_of(done.user_id) AND deletions.user_id = done.user_id AND NOT finished
