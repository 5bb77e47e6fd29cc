-- open_auctions: what an auctioneer starts from, as of one position
SELECT p.head, a.id, a.ends_at
FROM partitions p LEFT JOIN auctions a ON a.partition = p.id AND a.status = 'open'
WHERE p.id = $1
