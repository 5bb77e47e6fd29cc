-- open_interests: open auctions of partitions in which users have active bids, or which they sell
-- $1 partitions, $2 users
WITH barred AS (
    SELECT * FROM unnest($1::smallint[], $2::uuid[]) AS b (partition, user_id)
)
SELECT DISTINCT a.partition, b.bidder, b.auction, false
FROM bids b JOIN auctions a ON a.partition = b.partition AND a.id = b.auction AND a.status = 'open'
    JOIN barred ON barred.partition = a.partition AND barred.user_id = b.bidder
WHERE b.bidder = ANY ($2) AND b.state = 'live'
UNION ALL
SELECT a.partition, a.seller, a.id, true
FROM auctions a JOIN barred ON barred.partition = a.partition AND barred.user_id = a.seller
WHERE a.seller = ANY ($2) AND a.status = 'open'
