-- head: newest position of a partition
SELECT head FROM partitions WHERE id = $1
