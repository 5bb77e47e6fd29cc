-- unlock_partition: releases the lock of a partition (class, partition)
SELECT pg_advisory_unlock($1, $2)
