-- How far it has come to take away what deleted users left. Deletions from before are looked at as well.

ALTER TABLE deletions
    ADD COLUMN attempt  integer NOT NULL DEFAULT 0,      -- how often what must follow was sent
    ADD COLUMN again_at bigint  NOT NULL DEFAULT 0,      -- it is not sent again before; milliseconds since 1970
    ADD COLUMN finished boolean NOT NULL DEFAULT false;  -- nothing is left
CREATE INDEX deletions_unfinished ON deletions (again_at, seq) WHERE NOT finished;

CREATE INDEX auctions_open_by_seller ON auctions (seller) WHERE status = 'open';

-- A Bloom filter per 32 pages: finding the bids of one user reads a few ranges, and placing a bid costs next
-- to nothing (a B-tree would make the insert of a bid three quarters dearer). What is not summarised yet is
-- read as a whole.
CREATE INDEX bids_by_bidder ON bids USING brin (bidder uuid_bloom_ops (n_distinct_per_range = 2000))
    WITH (pages_per_range = 32, autosummarize = on);
