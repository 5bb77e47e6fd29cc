-- unlock_partition: lets the next writer work on a partition (class, partition)
SELECT pg_advisory_unlock($1, $2)
