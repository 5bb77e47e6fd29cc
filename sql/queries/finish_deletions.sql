-- finish_deletions: nothing is left of these users
UPDATE deletions SET finished = true WHERE seq = ANY ($1)
