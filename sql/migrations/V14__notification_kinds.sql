-- Preferences as a set of kinds: a new kind of notification needs no column. Programs of an earlier version
-- cannot use the table after this migration.

-- Kinds that the user has set to other than their default, which was on for all kinds until now. Users without
-- a row have not changed any.
ALTER TABLE subscriptions ADD COLUMN changed_kinds text[] NOT NULL DEFAULT '{}';
UPDATE subscriptions SET changed_kinds = array_remove(ARRAY[
    CASE WHEN NOT auction_won THEN 'auction_won' END,
    CASE WHEN NOT highest_bid THEN 'highest_bid' END,
    CASE WHEN NOT bid_doubled THEN 'bid_doubled' END
], NULL);
ALTER TABLE subscriptions ALTER COLUMN changed_kinds DROP DEFAULT,
    DROP COLUMN auction_won, DROP COLUMN highest_bid, DROP COLUMN bid_doubled;
