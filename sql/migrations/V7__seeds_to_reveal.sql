-- Promoted auctions whose seed is still to be shown: what a promoter starts from.
ALTER TABLE auctions ADD COLUMN owes_seed boolean NOT NULL DEFAULT false;
CREATE INDEX auctions_that_owe_their_seed ON auctions (partition) WHERE owes_seed;
