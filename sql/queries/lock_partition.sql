-- lock_partition: waits until nobody else works on a partition (class, partition)
SELECT pg_advisory_lock($1, $2)
