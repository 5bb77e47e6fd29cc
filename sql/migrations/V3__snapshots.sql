-- The state of auctions with many events, so that they need not be folded from all of them. A cache: rows may be
-- deleted at any time.
CREATE TABLE snapshots (
    aggregate uuid     PRIMARY KEY,
    version   bigint   NOT NULL,  -- how many of the auction's events are in it
    position  bigint   NOT NULL,  -- the position of the partition up to which they are
    format    smallint NOT NULL,  -- programs look at their own format only
    body      bytea    NOT NULL   -- MessagePack with field names, and a hash behind it
);
-- Large and dense: not worth compressing.
ALTER TABLE snapshots ALTER COLUMN body SET STORAGE EXTERNAL;
