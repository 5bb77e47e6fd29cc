-- unrevealed_auctions: auctions of a partition whose seed is not revealed, and the position they are as of;
-- at least one row
SELECT p.head, a.id
FROM partitions p LEFT JOIN auctions a ON a.partition = p.id AND a.seed_pending
WHERE p.id = $1
