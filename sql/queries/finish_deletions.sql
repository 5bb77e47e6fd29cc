-- finish_deletions: notes that deleted users have nothing left in any partition
UPDATE deletions SET finished = true WHERE user_id = ANY ($1) AND NOT finished
