-- heads: newest position of every partition
SELECT id, head FROM partitions
