-- open_auctions: open auctions of a partition with their ends, and the position they are as of; at least one
-- row
SELECT p.head, a.id, a.ends_at
FROM partitions p LEFT JOIN auctions a ON a.partition = p.id AND a.status = 'open'
WHERE p.id = $1
