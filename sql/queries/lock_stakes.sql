-- lock_stakes: held shared by every append of bids, and of auctions with a seller, until its commit, so that
-- what a user has at stake is either there before he is deleted, or sees the deletion
SELECT pg_advisory_xact_lock_shared($1)
