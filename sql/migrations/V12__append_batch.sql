-- append_batch: events, outcomes and the rows that follow from them, if the head is the expected one. One message to
-- the server, one transaction, and of its statements only those that have something to do: most batches of a quiet
-- portal are one bid, and planning, starting and ending ten inserts of nothing cost more than its own.
--
-- Each statement of it sees what was committed before that statement (a volatile function in READ COMMITTED), so
-- what is read behind a lock is not older than the lock.
CREATE FUNCTION append_batch(
    in_partition smallint, expected_head bigint, known_deletions bigint,
    -- Whether somebody gets something at stake, by a bid or as a seller.
    adds_stakes boolean,
    event_aggregates uuid[], event_versions bigint[], event_kinds text[], event_schemas smallint[], event_ats bigint[],
    event_commands uuid[], event_actors uuid[], event_bodies bytea[],
    outcome_commands uuid[], outcome_kinds text[], outcome_keys uuid[], outcome_fingerprints bigint[],
    outcome_positions bigint[], outcome_ats bigint[], outcome_bodies bytea[],
    user_ids uuid[], user_created_ats bigint[], user_deleted_ats bigint[],
    deleted_users uuid[], deleted_user_ats bigint[],
    -- Users whose deletion others must learn of.
    new_deletions uuid[],
    auction_ids uuid[], auction_sellers uuid[], auction_statuses text[], auction_ends bigint[], auction_owe_seed boolean[],
    changed_auctions uuid[], changed_statuses text[], changed_ends bigint[], changed_revealed boolean[],
    bid_ids uuid[], bid_auctions uuid[], bid_bidders uuid[], bid_amounts bigint[], bid_doubled boolean[],
    bid_states text[],
    changed_bids uuid[], changed_bid_doubled boolean[], changed_bid_states text[]
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    -- Ours among the advisory locks of a database ('auction' and 2).
    stakes_and_deletions CONSTANT bigint := x'61756374696f6e02'::bigint;
BEGIN
    -- What a user has at stake is either there before he is deleted, or sees the deletion.
    IF cardinality(new_deletions) > 0 THEN
        PERFORM pg_advisory_xact_lock(stakes_and_deletions);
    ELSIF adds_stakes THEN
        PERFORM pg_advisory_xact_lock_shared(stakes_and_deletions);
    END IF;

    UPDATE partitions SET head = head + cardinality(event_aggregates)
    WHERE id = in_partition AND head = expected_head
        AND (SELECT coalesce(max(seq), 0) FROM deletions) <= known_deletions;
    IF NOT FOUND THEN
        IF (SELECT coalesce(max(seq), 0) FROM deletions) > known_deletions THEN
            RETURN 'deletions_unknown';
        END IF;
        RETURN 'head_moved';
    END IF;

    IF cardinality(event_aggregates) > 0 THEN
        INSERT INTO events (partition, position, aggregate, version, kind, schema, at, command_id, actor, body)
        SELECT in_partition, expected_head + e.n, e.aggregate, e.version, e.kind, e.schema, e.at, e.command_id,
               e.actor, e.body
        FROM unnest(event_aggregates, event_versions, event_kinds, event_schemas, event_ats, event_commands,
                    event_actors, event_bodies) WITH ORDINALITY
             AS e (aggregate, version, kind, schema, at, command_id, actor, body, n);
    END IF;
    INSERT INTO commands (command_id, kind, key, fingerprint, partition, position, at, outcome)
    SELECT o.command_id, o.kind, o.key, o.fingerprint, in_partition, o.position, o.at, o.outcome
    FROM unnest(outcome_commands, outcome_kinds, outcome_keys, outcome_fingerprints, outcome_positions, outcome_ats,
                outcome_bodies) AS o (command_id, kind, key, fingerprint, position, at, outcome);
    IF cardinality(bid_ids) > 0 THEN
        INSERT INTO bids (id, auction, bidder, amount, doubled, state)
        SELECT b.id, b.auction, b.bidder, b.amount, b.doubled, b.state
        FROM unnest(bid_ids, bid_auctions, bid_bidders, bid_amounts, bid_doubled, bid_states)
             AS b (id, auction, bidder, amount, doubled, state);
    END IF;
    IF cardinality(changed_bids) > 0 THEN
        UPDATE bids SET doubled = bids.doubled OR c.doubled, state = coalesce(c.state, bids.state)
        FROM unnest(changed_bids, changed_bid_doubled, changed_bid_states) AS c (id, doubled, state)
        WHERE bids.id = c.id;
    END IF;
    IF cardinality(auction_ids) > 0 THEN
        INSERT INTO auctions (id, partition, seller, status, ends_at, owes_seed)
        SELECT a.id, in_partition, a.seller, a.status, a.ends_at, a.owes_seed
        FROM unnest(auction_ids, auction_sellers, auction_statuses, auction_ends, auction_owe_seed)
             AS a (id, seller, status, ends_at, owes_seed);
    END IF;
    IF cardinality(changed_auctions) > 0 THEN
        UPDATE auctions SET status = coalesce(c.status, auctions.status),
                            ends_at = coalesce(c.ends_at, auctions.ends_at),
                            owes_seed = auctions.owes_seed AND NOT c.revealed
        FROM unnest(changed_auctions, changed_statuses, changed_ends, changed_revealed)
             AS c (id, status, ends_at, revealed)
        WHERE auctions.id = c.id;
    END IF;
    IF cardinality(user_ids) > 0 THEN
        INSERT INTO users (id, created_at, deleted_at)
        SELECT u.id, u.created_at, u.deleted_at
        FROM unnest(user_ids, user_created_ats, user_deleted_ats) AS u (id, created_at, deleted_at);
    END IF;
    IF cardinality(deleted_users) > 0 THEN
        UPDATE users SET deleted_at = d.deleted_at
        FROM unnest(deleted_users, deleted_user_ats) AS d (id, deleted_at) WHERE users.id = d.id;
    END IF;
    IF cardinality(new_deletions) > 0 THEN
        INSERT INTO deletions (user_id) SELECT unnest(new_deletions);
    END IF;
    RETURN 'done';
END
$$;
