-- finish_deletions: notes that deleted users have no open interests any more
UPDATE deletions SET finished = true WHERE seq = ANY ($1)
