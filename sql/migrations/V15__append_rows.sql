-- append_batch takes arrays of rows instead of an array per column: each list of a batch is one parameter, and
-- its type names the fields. Programs of an earlier version cannot append after this migration.

CREATE TYPE event_row AS (
    aggregate uuid, version bigint, kind text, schema smallint, at bigint, command_id uuid, actor uuid, body bytea
);
CREATE TYPE outcome_row AS (
    command_id uuid, kind text, key uuid, fingerprint bigint, position bigint, at bigint, outcome bytea
);
CREATE TYPE user_row AS (id uuid, created_at bigint, deleted_at bigint);
CREATE TYPE deleted_user_row AS (id uuid, deleted_at bigint);
CREATE TYPE auction_row AS (id uuid, seller uuid, status text, ends_at bigint, seed_pending boolean);
-- A field that is null stays as it is.
CREATE TYPE changed_auction_row AS (id uuid, status text, ends_at bigint, revealed boolean);
CREATE TYPE bid_row AS (id uuid, auction uuid, bidder uuid, amount bigint, doubled boolean, state text);
CREATE TYPE changed_bid_row AS (id uuid, doubled boolean, state text);

-- append_batch: appends events, outcomes and inline projections in one transaction if the head of the
-- partition is the expected one. One call of a function is one message to the server. Empty parts are
-- skipped: most batches of a portal with little load hold one bid, and planning and running ten inserts
-- without rows costs more than that bid.
--
-- Each statement in the function sees everything that was committed before that statement started (a volatile
-- function in READ COMMITTED). So a read after a lock was taken is at least as recent as the lock.
DROP FUNCTION append_batch;
CREATE FUNCTION append_batch(
    in_partition smallint, expected_head bigint, known_deletions bigint,
    -- Whether a user gets an open interest, as a bidder or as a seller.
    adds_open_interests boolean,
    new_events event_row[], new_outcomes outcome_row[],
    new_users user_row[], deleted_users deleted_user_row[],
    -- Users to add to the table of deletions.
    new_deletions uuid[],
    new_auctions auction_row[], changed_auctions changed_auction_row[],
    new_bids bid_row[], changed_bids changed_bid_row[]
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    -- The key of an advisory lock: the letters 'auction', then 2.
    deletion_lock CONSTANT bigint := x'61756374696f6e02'::bigint;
BEGIN
    -- An open interest is either committed before the user is deleted, or its append sees the deletion.
    IF cardinality(new_deletions) > 0 THEN
        PERFORM pg_advisory_xact_lock(deletion_lock);
    ELSIF adds_open_interests THEN
        PERFORM pg_advisory_xact_lock_shared(deletion_lock);
    END IF;

    UPDATE partitions SET head = head + cardinality(new_events)
    WHERE id = in_partition AND head = expected_head
        AND (SELECT coalesce(max(seq), 0) FROM deletions) <= known_deletions;
    IF NOT FOUND THEN
        IF (SELECT coalesce(max(seq), 0) FROM deletions) > known_deletions THEN
            RETURN 'stale_deletions';
        END IF;
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
        INSERT INTO bids (id, auction, bidder, amount, doubled, state)
        SELECT b.id, b.auction, b.bidder, b.amount, b.doubled, b.state FROM unnest(new_bids) AS b;
    END IF;
    IF cardinality(changed_bids) > 0 THEN
        UPDATE bids SET doubled = bids.doubled OR c.doubled, state = coalesce(c.state, bids.state)
        FROM unnest(changed_bids) AS c WHERE bids.id = c.id;
    END IF;
    IF cardinality(new_auctions) > 0 THEN
        INSERT INTO auctions (id, partition, seller, status, ends_at, seed_pending)
        SELECT a.id, in_partition, a.seller, a.status, a.ends_at, a.seed_pending FROM unnest(new_auctions) AS a;
    END IF;
    IF cardinality(changed_auctions) > 0 THEN
        UPDATE auctions SET status = coalesce(c.status, auctions.status),
                            ends_at = coalesce(c.ends_at, auctions.ends_at),
                            seed_pending = auctions.seed_pending AND NOT c.revealed
        FROM unnest(changed_auctions) AS c WHERE auctions.id = c.id;
    END IF;
    IF cardinality(new_users) > 0 THEN
        INSERT INTO users (id, created_at, deleted_at)
        SELECT u.id, u.created_at, u.deleted_at FROM unnest(new_users) AS u;
    END IF;
    IF cardinality(deleted_users) > 0 THEN
        UPDATE users SET deleted_at = d.deleted_at FROM unnest(deleted_users) AS d WHERE users.id = d.id;
    END IF;
    IF cardinality(new_deletions) > 0 THEN
        INSERT INTO deletions (user_id) SELECT unnest(new_deletions);
    END IF;
    RETURN 'committed';
END
$$;
