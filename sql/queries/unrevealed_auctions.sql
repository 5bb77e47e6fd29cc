-- unrevealed_auctions: what a promoter starts from, as of one position
SELECT p.head, a.id
FROM partitions p LEFT JOIN auctions a ON a.partition = p.id AND a.owes_seed
WHERE p.id = $1
