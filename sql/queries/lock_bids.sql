-- lock_bids: held shared by every append of bids until its commit, so that a bid is either there before
-- its bidder is deleted, or sees the deletion
SELECT pg_advisory_xact_lock_shared($1)
