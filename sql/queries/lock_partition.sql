-- lock_partition: waits for the lock of a partition (class, partition)
SELECT pg_advisory_lock($1, $2)
