-- open_interests: open auctions in which users have active bids, or which they sell
SELECT DISTINCT b.bidder, b.auction, false
FROM bids b JOIN auctions a ON a.id = b.auction AND a.status = 'open'
WHERE b.bidder = ANY ($1) AND b.state = 'live'
UNION ALL
SELECT seller, id, true FROM auctions WHERE seller = ANY ($1) AND status = 'open'
