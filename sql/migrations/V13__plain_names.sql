-- Renames tables, columns, indexes, constraints and parameters to the vocabulary of the code and the API.
-- Rows and stored values stay as they are. Programs of an earlier version cannot use the database after this
-- migration.

-- The table holds the outcomes of commands, not the commands.
ALTER TABLE commands RENAME TO command_outcomes;
ALTER TABLE command_outcomes RENAME CONSTRAINT commands_pkey TO command_outcomes_pkey;

ALTER TABLE auctions RENAME COLUMN owes_seed TO seed_pending;
ALTER INDEX auctions_that_owe_their_seed RENAME TO auctions_seed_pending;

ALTER TABLE deletions RENAME COLUMN again_at TO retry_at;

ALTER TABLE parked_events RENAME COLUMN service TO component;
ALTER TABLE parked_events RENAME COLUMN asked TO requested_action;
ALTER TABLE parked_events RENAME CONSTRAINT parked_events_asked_check TO parked_events_requested_action_check;

ALTER TABLE notifications RENAME COLUMN news TO content;

ALTER TABLE accounts RENAME COLUMN claims TO duplicate_sign_ups;

ALTER TABLE service_keys RENAME TO api_keys;
ALTER TABLE api_keys RENAME CONSTRAINT service_keys_pkey TO api_keys_pkey;
ALTER TABLE api_keys RENAME CONSTRAINT service_keys_name_key TO api_keys_name_key;
ALTER TABLE api_keys RENAME CONSTRAINT service_keys_role_check TO api_keys_role_check;
ALTER TABLE api_keys RENAME CONSTRAINT service_keys_per_second_check TO api_keys_per_second_check;

ALTER TABLE deliveries RENAME COLUMN way TO channel;
ALTER TABLE deliveries RENAME CONSTRAINT deliveries_way_check TO deliveries_channel_check;
ALTER TABLE deliveries RENAME COLUMN news TO content;
ALTER TABLE deliveries RENAME COLUMN next_at TO due_at;

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
    event_aggregates uuid[], event_versions bigint[], event_kinds text[], event_schemas smallint[], event_ats bigint[],
    event_commands uuid[], event_actors uuid[], event_bodies bytea[],
    outcome_commands uuid[], outcome_kinds text[], outcome_keys uuid[], outcome_fingerprints bigint[],
    outcome_positions bigint[], outcome_ats bigint[], outcome_bodies bytea[],
    user_ids uuid[], user_created_ats bigint[], user_deleted_ats bigint[],
    deleted_users uuid[], deleted_user_ats bigint[],
    -- Users to add to the table of deletions.
    new_deletions uuid[],
    auction_ids uuid[], auction_sellers uuid[], auction_statuses text[], auction_ends bigint[],
    auction_seed_pending boolean[],
    changed_auctions uuid[], changed_statuses text[], changed_ends bigint[], changed_revealed boolean[],
    bid_ids uuid[], bid_auctions uuid[], bid_bidders uuid[], bid_amounts bigint[], bid_doubled boolean[],
    bid_states text[],
    changed_bids uuid[], changed_bid_doubled boolean[], changed_bid_states text[]
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

    UPDATE partitions SET head = head + cardinality(event_aggregates)
    WHERE id = in_partition AND head = expected_head
        AND (SELECT coalesce(max(seq), 0) FROM deletions) <= known_deletions;
    IF NOT FOUND THEN
        IF (SELECT coalesce(max(seq), 0) FROM deletions) > known_deletions THEN
            RETURN 'stale_deletions';
        END IF;
        RETURN 'head_conflict';
    END IF;

    IF cardinality(event_aggregates) > 0 THEN
        INSERT INTO events (partition, position, aggregate, version, kind, schema, at, command_id, actor, body)
        SELECT in_partition, expected_head + e.n, e.aggregate, e.version, e.kind, e.schema, e.at, e.command_id,
               e.actor, e.body
        FROM unnest(event_aggregates, event_versions, event_kinds, event_schemas, event_ats, event_commands,
                    event_actors, event_bodies) WITH ORDINALITY
             AS e (aggregate, version, kind, schema, at, command_id, actor, body, n);
    END IF;
    INSERT INTO command_outcomes (command_id, kind, key, fingerprint, partition, position, at, outcome)
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
        INSERT INTO auctions (id, partition, seller, status, ends_at, seed_pending)
        SELECT a.id, in_partition, a.seller, a.status, a.ends_at, a.seed_pending
        FROM unnest(auction_ids, auction_sellers, auction_statuses, auction_ends, auction_seed_pending)
             AS a (id, seller, status, ends_at, seed_pending);
    END IF;
    IF cardinality(changed_auctions) > 0 THEN
        UPDATE auctions SET status = coalesce(c.status, auctions.status),
                            ends_at = coalesce(c.ends_at, auctions.ends_at),
                            seed_pending = auctions.seed_pending AND NOT c.revealed
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
    RETURN 'committed';
END
$$;
