-- The partition is the first column of every key of users, auctions and bids, and append_batch names it in each of
-- its statements.

ALTER TABLE users ADD COLUMN partition smallint;
UPDATE users SET partition = partition_of(id);
ALTER TABLE users
    ALTER COLUMN partition SET NOT NULL,
    DROP CONSTRAINT users_pkey,
    ADD CONSTRAINT users_pkey PRIMARY KEY (partition, id);

ALTER TABLE auctions
    DROP CONSTRAINT auctions_pkey,
    ADD CONSTRAINT auctions_pkey PRIMARY KEY (partition, id);
DROP INDEX auctions_open_by_seller;
CREATE INDEX auctions_open_by_seller ON auctions (partition, seller) WHERE status = 'open';

ALTER TABLE bids ADD COLUMN partition smallint;
UPDATE bids SET partition = partition_of(auction);
ALTER TABLE bids
    ALTER COLUMN partition SET NOT NULL,
    DROP CONSTRAINT bids_pkey,
    ADD CONSTRAINT bids_pkey PRIMARY KEY (partition, id);

-- append_batch: appends events, outcomes and inline projections in one transaction if the head of the
-- partition is the expected one. One call of a function is one message to the server. Empty parts are
-- skipped: most batches of a portal with little load hold one bid, and planning and running ten inserts
-- without rows costs more than that bid.
CREATE FUNCTION append_batch(
    in_partition smallint, expected_head bigint,
    new_events event_row[], new_outcomes outcome_row[],
    new_users user_row[], deleted_users deleted_user_row[],
    -- Users to add to the tables of deletions and of bars.
    new_deletions uuid[], new_bars uuid[],
    new_auctions auction_row[], changed_auctions changed_auction_row[],
    new_bids bid_row[], changed_bids changed_bid_row[]
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE partitions SET head = head + cardinality(new_events)
    WHERE id = in_partition AND head = expected_head;
    IF NOT FOUND THEN
        RETURN 'head_conflict';
    END IF;

    IF cardinality(new_events) > 0 THEN
        INSERT INTO events (partition, position, aggregate, version, kind, schema, at, command_id, actor, body)
        SELECT in_partition, expected_head + e.n, e.aggregate, e.version, e.kind, e.schema, e.at, e.command_id,
               e.actor, e.body
        FROM unnest(new_events) WITH ORDINALITY
             AS e (aggregate, version, kind, schema, at, command_id, actor, body, n);
    END IF;
    INSERT INTO command_outcomes (command_id, kind, key, fingerprint, partition, position, at, outcome)
    SELECT o.command_id, o.kind, o.key, o.fingerprint, in_partition, o.position, o.at, o.outcome
    FROM unnest(new_outcomes) AS o;
    IF cardinality(new_bids) > 0 THEN
        INSERT INTO bids (partition, id, auction, bidder, amount, doubled, state)
        SELECT in_partition, b.id, b.auction, b.bidder, b.amount, b.doubled, b.state FROM unnest(new_bids) AS b;
    END IF;
    IF cardinality(changed_bids) > 0 THEN
        UPDATE bids SET doubled = bids.doubled OR c.doubled, state = coalesce(c.state, bids.state)
        FROM unnest(changed_bids) AS c WHERE bids.partition = in_partition AND bids.id = c.id;
    END IF;
    IF cardinality(new_auctions) > 0 THEN
        INSERT INTO auctions (id, partition, seller, status, ends_at, seed_pending)
        SELECT a.id, in_partition, a.seller, a.status, a.ends_at, a.seed_pending FROM unnest(new_auctions) AS a;
    END IF;
    IF cardinality(changed_auctions) > 0 THEN
        UPDATE auctions SET status = coalesce(c.status, auctions.status),
                            ends_at = coalesce(c.ends_at, auctions.ends_at),
                            seed_pending = auctions.seed_pending AND NOT c.revealed
        FROM unnest(changed_auctions) AS c WHERE auctions.partition = in_partition AND auctions.id = c.id;
    END IF;
    IF cardinality(new_users) > 0 THEN
        INSERT INTO users (partition, id, created_at, deleted_at)
        SELECT in_partition, u.id, u.created_at, u.deleted_at FROM unnest(new_users) AS u;
    END IF;
    IF cardinality(deleted_users) > 0 THEN
        UPDATE users SET deleted_at = d.deleted_at
        FROM unnest(deleted_users) AS d WHERE users.partition = in_partition AND users.id = d.id;
    END IF;
    IF cardinality(new_deletions) > 0 THEN
        INSERT INTO deletions (partition, user_id) SELECT in_partition, unnest(new_deletions);
    END IF;
    IF cardinality(new_bars) > 0 THEN
        -- A bar that is sent again changes nothing.
        INSERT INTO barred_users (partition, user_id) SELECT in_partition, unnest(new_bars)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN 'committed';
END
$$;
