-- finish_bars: notes that deleted users have nothing left in partitions
-- $1 partitions, $2 users
UPDATE barred_users b SET finished = true
FROM unnest($1::smallint[], $2::uuid[]) AS f (partition, user_id)
WHERE b.partition = f.partition AND b.user_id = f.user_id
