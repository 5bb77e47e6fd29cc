-- append_batch: events, outcomes and the rows that follow from them, if the head is the expected one
-- $1 partition, $2 expected head, $3 number of events, $4 newest deletion that the decisions know
WITH hit AS (
    UPDATE partitions SET head = head + $3
    WHERE id = $1 AND head = $2 AND (SELECT coalesce(max(seq), 0) FROM deletions) <= $4
    RETURNING id
), new_events AS (
    INSERT INTO events (partition, position, aggregate, version, kind, schema, at, command_id, actor, body)
    SELECT $1, $2 + e.n, e.aggregate, e.version, e.kind, e.schema, e.at, e.command_id, e.actor, e.body
    FROM hit, unnest($5::uuid[], $6::bigint[], $7::text[], $8::smallint[], $9::bigint[], $10::uuid[],
                     $11::uuid[], $12::bytea[]) WITH ORDINALITY
         AS e (aggregate, version, kind, schema, at, command_id, actor, body, n)
), new_outcomes AS (
    INSERT INTO commands (command_id, kind, key, fingerprint, partition, position, at, outcome)
    SELECT o.command_id, o.kind, o.key, o.fingerprint, $1, o.position, o.at, o.outcome
    FROM hit, unnest($13::uuid[], $14::text[], $15::uuid[], $16::bigint[], $17::bigint[], $18::bigint[],
                     $19::bytea[])
         AS o (command_id, kind, key, fingerprint, position, at, outcome)
), new_users AS (
    INSERT INTO users (id, created_at, deleted_at)
    SELECT u.id, u.created_at, u.deleted_at
    FROM hit, unnest($20::uuid[], $21::bigint[], $22::bigint[]) AS u (id, created_at, deleted_at)
), deleted_users AS (
    UPDATE users SET deleted_at = d.deleted_at
    FROM hit, unnest($23::uuid[], $24::bigint[]) AS d (id, deleted_at) WHERE users.id = d.id
), new_deletions AS (
    INSERT INTO deletions (user_id) SELECT d.id FROM hit, unnest($25::uuid[]) AS d (id)
), new_auctions AS (
    INSERT INTO auctions (id, partition, seller, status, ends_at, owes_seed)
    SELECT a.id, $1, a.seller, a.status, a.ends_at, a.owes_seed
    FROM hit, unnest($26::uuid[], $27::uuid[], $28::text[], $29::bigint[], $42::boolean[])
         AS a (id, seller, status, ends_at, owes_seed)
), changed_auctions AS (
    UPDATE auctions SET status = coalesce(c.status, auctions.status), ends_at = coalesce(c.ends_at, auctions.ends_at),
                        owes_seed = auctions.owes_seed AND NOT c.revealed
    FROM hit, unnest($30::uuid[], $31::text[], $32::bigint[], $43::boolean[]) AS c (id, status, ends_at, revealed)
    WHERE auctions.id = c.id
), new_bids AS (
    INSERT INTO bids (id, auction, bidder, amount, doubled, state)
    SELECT b.id, b.auction, b.bidder, b.amount, b.doubled, b.state
    FROM hit, unnest($33::uuid[], $34::uuid[], $35::uuid[], $36::bigint[], $37::boolean[], $38::text[])
         AS b (id, auction, bidder, amount, doubled, state)
), changed_bids AS (
    UPDATE bids SET doubled = bids.doubled OR c.doubled, state = coalesce(c.state, bids.state)
    FROM hit, unnest($39::uuid[], $40::boolean[], $41::text[]) AS c (id, doubled, state) WHERE bids.id = c.id
)
SELECT EXISTS (SELECT FROM hit) AS hit, (SELECT coalesce(max(seq), 0) FROM deletions) > $4 AS deletions_unknown
