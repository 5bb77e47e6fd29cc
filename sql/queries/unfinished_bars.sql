-- unfinished_bars: users that are barred from a partition and may have something left there
SELECT user_id FROM barred_users WHERE partition = $1 AND NOT finished
