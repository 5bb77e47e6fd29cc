SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE TYPE public.auction_row AS (
	id uuid,
	seller uuid,
	status text,
	ends_at bigint,
	seed_pending boolean
);
CREATE TYPE public.bid_row AS (
	id uuid,
	auction uuid,
	bidder uuid,
	amount bigint,
	doubled boolean,
	state text
);
CREATE TYPE public.changed_auction_row AS (
	id uuid,
	status text,
	ends_at bigint,
	revealed boolean
);
CREATE TYPE public.changed_bid_row AS (
	id uuid,
	doubled boolean,
	state text
);
CREATE TYPE public.deleted_user_row AS (
	id uuid,
	deleted_at bigint
);
CREATE TYPE public.event_row AS (
	aggregate uuid,
	version bigint,
	kind text,
	schema smallint,
	at bigint,
	command_id uuid,
	actor uuid,
	body bytea
);
CREATE TYPE public.outcome_row AS (
	command_id uuid,
	kind text,
	key uuid,
	fingerprint bigint,
	"position" bigint,
	at bigint,
	outcome bytea
);
CREATE TYPE public.user_row AS (
	id uuid,
	created_at bigint,
	deleted_at bigint
);
CREATE FUNCTION public.append_batch(in_partition smallint, expected_head bigint, new_events public.event_row[], new_outcomes public.outcome_row[], new_users public.user_row[], deleted_users public.deleted_user_row[], new_deletions uuid[], new_bars uuid[], new_auctions public.auction_row[], changed_auctions public.changed_auction_row[], new_bids public.bid_row[], changed_bids public.changed_bid_row[]) RETURNS text
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION public.define_partition_of(count integer) RETURNS void
    LANGUAGE plpgsql
    AS $_$
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION partition_of(id uuid) RETURNS smallint
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
            SELECT ((
                ('x' || substr(id::text, 20, 4) || substr(id::text, 25, 4))::bit(32)::bigint %% %1$s
                    * (4294967296 %% %1$s)
                + ('x' || substr(id::text, 29, 8))::bit(32)::bigint
            ) %% %1$s)::smallint
        $body$
    $function$, count);
END
$_$;
CREATE FUNCTION public.partition_of(id uuid) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
            SELECT ((
                ('x' || substr(id::text, 20, 4) || substr(id::text, 25, 4))::bit(32)::bigint % 8
                    * (4294967296 % 8)
                + ('x' || substr(id::text, 29, 8))::bit(32)::bigint
            ) % 8)::smallint
        $$;
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or removed (% refused)', TG_OP;
END
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.accounts (
    user_id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    state text NOT NULL,
    command_id uuid NOT NULL,
    created_at bigint NOT NULL,
    duplicate_sign_ups integer DEFAULT 0 NOT NULL,
    CONSTRAINT accounts_role_check CHECK ((role = ANY (ARRAY['bidder'::text, 'seller'::text, 'operator'::text]))),
    CONSTRAINT accounts_state_check CHECK ((state = ANY (ARRAY['provisional'::text, 'active'::text])))
);
CREATE TABLE public.api_keys (
    key_hash bytea NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    per_second integer,
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    CONSTRAINT api_keys_per_second_check CHECK ((per_second > 0)),
    CONSTRAINT api_keys_role_check CHECK ((role = ANY (ARRAY['bidder'::text, 'seller'::text, 'operator'::text])))
);
CREATE TABLE public.auctions (
    id uuid NOT NULL,
    partition smallint NOT NULL,
    seller uuid,
    status text NOT NULL,
    ends_at bigint NOT NULL,
    seed_pending boolean DEFAULT false NOT NULL,
    CONSTRAINT auctions_status_check CHECK ((status = ANY (ARRAY['open'::text, 'closed'::text, 'cancelled'::text])))
);
CREATE TABLE public.barred_users (
    partition smallint NOT NULL,
    user_id uuid NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    retry_at bigint DEFAULT 0 NOT NULL,
    finished boolean DEFAULT false NOT NULL
);
CREATE TABLE public.bids (
    id uuid NOT NULL,
    auction uuid NOT NULL,
    bidder uuid NOT NULL,
    amount bigint NOT NULL,
    doubled boolean NOT NULL,
    state text NOT NULL,
    partition smallint NOT NULL,
    CONSTRAINT bids_state_check CHECK ((state = ANY (ARRAY['live'::text, 'deleted'::text, 'voided'::text, 'retracted'::text])))
);
CREATE TABLE public.command_outcomes (
    command_id uuid NOT NULL,
    kind text NOT NULL,
    key uuid NOT NULL,
    fingerprint bigint NOT NULL,
    partition smallint NOT NULL,
    "position" bigint NOT NULL,
    at bigint NOT NULL,
    outcome bytea NOT NULL
);
CREATE TABLE public.deletions (
    user_id uuid NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    retry_at bigint DEFAULT 0 NOT NULL,
    finished boolean DEFAULT false NOT NULL,
    partition smallint NOT NULL
);
CREATE TABLE public.deliveries (
    seq bigint NOT NULL,
    channel text NOT NULL,
    endpoint uuid NOT NULL,
    id uuid NOT NULL,
    content bytea NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    finished_at bigint,
    status smallint,
    error text,
    partition smallint NOT NULL,
    CONSTRAINT deliveries_channel_check CHECK ((channel = ANY (ARRAY['webhook'::text, 'email'::text]))),
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text])))
);
ALTER TABLE public.deliveries ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.deliveries_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.events (
    partition smallint NOT NULL,
    "position" bigint NOT NULL,
    aggregate uuid NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    schema smallint NOT NULL,
    at bigint NOT NULL,
    command_id uuid NOT NULL,
    actor uuid,
    body bytea NOT NULL
);
CREATE TABLE public.inbox_placements (
    partition smallint NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    placed bigint[] DEFAULT '{}'::bigint[] NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE public.inboxes (
    user_id uuid NOT NULL,
    last bigint NOT NULL,
    read_up_to bigint DEFAULT 0 NOT NULL,
    partition smallint NOT NULL
)
WITH (fillfactor='70');
CREATE TABLE public.migration_compatibility (
    version integer NOT NULL,
    oldest_program integer NOT NULL,
    CONSTRAINT migration_compatibility_check CHECK (((oldest_program >= 1) AND (oldest_program <= version)))
);
CREATE TABLE public.notifications (
    user_id uuid NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    content bytea NOT NULL,
    partition smallint NOT NULL
);
CREATE TABLE public.notifier_checkpoints (
    partition smallint NOT NULL,
    "position" bigint NOT NULL,
    last_outgoing bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.outgoing_notifications (
    partition smallint NOT NULL,
    user_partition smallint NOT NULL,
    number bigint NOT NULL,
    kind text NOT NULL,
    user_ids uuid[] NOT NULL,
    ids uuid[] NOT NULL,
    content bytea NOT NULL
);
CREATE TABLE public.parked_events (
    component text NOT NULL,
    key uuid NOT NULL,
    partition smallint NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL,
    error text NOT NULL,
    parked_at bigint NOT NULL,
    requested_action text,
    CONSTRAINT parked_events_reason_check CHECK ((reason = ANY (ARRAY['unreadable'::text, 'panicked'::text, 'refused'::text]))),
    CONSTRAINT parked_events_requested_action_check CHECK ((requested_action = ANY (ARRAY['retry'::text, 'drop'::text])))
);
CREATE TABLE public.partitions (
    id smallint NOT NULL,
    head bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.refinery_schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);
CREATE TABLE public.secrets (
    name text NOT NULL,
    value bytea NOT NULL
);
CREATE TABLE public.sessions (
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.snapshots (
    aggregate uuid NOT NULL,
    version bigint NOT NULL,
    "position" bigint NOT NULL,
    format smallint NOT NULL,
    body bytea NOT NULL,
    partition smallint NOT NULL
);
ALTER TABLE ONLY public.snapshots ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE public.subscriptions (
    user_id uuid NOT NULL,
    changed_kinds text[] NOT NULL,
    partition smallint NOT NULL
);
CREATE TABLE public.users (
    id uuid NOT NULL,
    created_at bigint NOT NULL,
    deleted_at bigint,
    partition smallint NOT NULL
);
CREATE TABLE public.webhooks (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    url text NOT NULL,
    secret integer DEFAULT 1 NOT NULL,
    previous_until bigint,
    created_at bigint NOT NULL,
    disabled_at bigint,
    partition smallint NOT NULL
);
INSERT INTO public.accounts VALUES
	('01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', 'sue@example.org', 'sue', '$argon2id$v=19$m=19456,t=2,p=1$VG76gS9CFJJE6TijV7eWsQ$suChXcR2S4C75DzParcwd1kSeK6e8hIX2qAQw9eaBJ8', 'seller', 'provisional', '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', 1796065528697, 0),
	('01a22dd9-0b87-7330-9b00-d8a0ef29285e', 'ada@example.org', 'ada', '$argon2id$v=19$m=19456,t=2,p=1$5I8cpO3pfe0noBDEX4R2FA$9YU/GNCOHS6awqHRAah0Grxbh9XH8dsjhP42HaNZG34', 'seller', 'provisional', '01a22dd9-0b87-7330-9b00-d8a0ef29285e', 1796065528735, 0),
	('01a22dd9-0baa-759c-b1b4-ce6c360907ed', 'bob@example.org', 'bob', '$argon2id$v=19$m=19456,t=2,p=1$pCVzTSgBujie/cBc1Bwbww$ZhgdB5LyXuBXZAjj2o7v/mA3oghEJzcL44JOaeFVBcA', 'seller', 'provisional', '01a22dd9-0baa-759c-b1b4-ce6c360907ed', 1796065528767, 0);
INSERT INTO public.auctions VALUES
	('01a22dd9-0bc3-7577-8897-ccf60999e8e5', 5, '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', 'open', 4070908800000, true),
	('01a22dd9-0bd7-7305-b572-522cf57ed0c8', 0, '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', 'cancelled', 4070908800000, false),
	('01a22dd9-0bcd-760c-a9db-86188e8c033c', 4, '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', 'closed', 1796065528825, false);
INSERT INTO public.bids VALUES
	('01a22dd9-0be1-722b-9d28-aa0b4c1e944d', '01a22dd9-0bc3-7577-8897-ccf60999e8e5', '01a22dd9-0b87-7330-9b00-d8a0ef29285e', 10000, false, 'live', 5),
	('01a22dd9-0be6-7255-bc8e-8f75f98f911a', '01a22dd9-0bc3-7577-8897-ccf60999e8e5', '01a22dd9-0baa-759c-b1b4-ce6c360907ed', 11000, false, 'live', 5),
	('01a22dd9-0bec-7379-8109-3f964c5a8ed8', '01a22dd9-0bcd-760c-a9db-86188e8c033c', '01a22dd9-0b87-7330-9b00-d8a0ef29285e', 10000, false, 'live', 4),
	('01a22dd9-0bef-73f0-8fe6-1a14750ac036', '01a22dd9-0bcd-760c-a9db-86188e8c033c', '01a22dd9-0baa-759c-b1b4-ce6c360907ed', 11000, false, 'live', 4),
	('01a22dd9-0bf4-72d3-933e-5e142d76961e', '01a22dd9-0bd7-7305-b572-522cf57ed0c8', '01a22dd9-0b87-7330-9b00-d8a0ef29285e', 10000, false, 'live', 0),
	('01a22dd9-0bf6-74f0-b19a-53864b309cfd', '01a22dd9-0bd7-7305-b572-522cf57ed0c8', '01a22dd9-0baa-759c-b1b4-ce6c360907ed', 11000, false, 'live', 0);
INSERT INTO public.command_outcomes VALUES
	('01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', 'create_user', '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', -4424598699625268352, 5, 1, 1796065528699, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379c0a5666163747390'),
	('01a22dd9-0b87-7330-9b00-d8a0ef29285e', 'create_user', '01a22dd9-0b87-7330-9b00-d8a0ef29285e', -7997388911052451706, 6, 1, 1796065528736, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379c0a5666163747390'),
	('01a22dd9-0baa-759c-b1b4-ce6c360907ed', 'create_user', '01a22dd9-0baa-759c-b1b4-ce6c360907ed', 544807468664235397, 5, 2, 1796065528768, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379c0a5666163747390'),
	('01a22dd9-0bc3-7577-8897-ccf60999e8e5', 'create_auction', '01a22dd9-0bc3-7577-8897-ccf60999e8e5', 5997204121760285492, 5, 3, 1796065528771, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379a3555344a5666163747390'),
	('01a22dd9-0bcd-760c-a9db-86188e8c033c', 'create_auction', '01a22dd9-0bcd-760c-a9db-86188e8c033c', -381862163066171842, 4, 1, 1796065528781, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379a3555344a5666163747390'),
	('01a22dd9-0bd7-7305-b572-522cf57ed0c8', 'create_auction', '01a22dd9-0bd7-7305-b572-522cf57ed0c8', 7368417607038008422, 0, 1, 1796065528792, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379a3555344a5666163747390'),
	('01a22dd9-0be1-722b-9d28-aa0b4c1e944d', 'place_bid', '01a22dd9-0bc3-7577-8897-ccf60999e8e5', 6862132573155314059, 5, 4, 1796065528801, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd271082a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2710'),
	('01a22dd9-0be6-7255-bc8e-8f75f98f911a', 'place_bid', '01a22dd9-0bc3-7577-8897-ccf60999e8e5', 3863242963466197379, 5, 5, 1796065528808, '\x81a8616363657074656483a776657273696f6e03a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd2af882a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2af8'),
	('01a22dd9-0bec-7379-8109-3f964c5a8ed8', 'place_bid', '01a22dd9-0bcd-760c-a9db-86188e8c033c', 6862132573155314059, 4, 2, 1796065528812, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd271082a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2710'),
	('01a22dd9-0bef-73f0-8fe6-1a14750ac036', 'place_bid', '01a22dd9-0bcd-760c-a9db-86188e8c033c', 3863242963466197379, 4, 3, 1796065528815, '\x81a8616363657074656483a776657273696f6e03a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd2af882a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2af8'),
	('01a22dd9-0bf4-72d3-933e-5e142d76961e', 'place_bid', '01a22dd9-0bd7-7305-b572-522cf57ed0c8', 6862132573155314059, 0, 2, 1796065528820, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd271082a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2710'),
	('01a22dd9-0bf6-74f0-b19a-53864b309cfd', 'place_bid', '01a22dd9-0bd7-7305-b572-522cf57ed0c8', 3863242963466197379, 0, 3, 1796065528822, '\x81a8616363657074656483a776657273696f6e03a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd2af882a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2af8'),
	('01a22dd9-0bf8-706e-9d93-edda3bdacd49', 'change_subscriptions', '01a22dd9-0baa-759c-b1b4-ce6c360907ed', 3921096639201672141, 5, 6, 1796065528824, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379c0a5666163747390'),
	('01a22dd9-0bf9-70cd-aaf0-750702dff5c9', 'end_auction', '01a22dd9-0bcd-760c-a9db-86188e8c033c', -2039914840885289964, 4, 4, 1796065528825, '\x81a8616363657074656483a776657273696f6e04a863757272656e6379a3555344a5666163747390'),
	('01a22dd9-0bfb-766f-8f99-da1f513d1a40', 'cancel_auction', '01a22dd9-0bd7-7305-b572-522cf57ed0c8', -2039914840885289964, 0, 4, 1796065528827, '\x81a8616363657074656483a776657273696f6e04a863757272656e6379a3555344a5666163747390'),
	('ab1aec42-4994-454f-829c-feab9a7e8653', 'raffle', '01a22dd9-0bc3-7577-8897-ccf60999e8e5', 0, 5, 6, 1796065528829, '\x81a66661696c656482a6726561736f6eaa756e7265616461626c65a56572726f72b5756e6b6e6f776e206b696e642060726166666c6560'),
	('8b7c7cbb-1a6f-5ab0-9e4f-cdf1dca2d6b7', 'close_auction', '01a22dd9-0bcd-760c-a9db-86188e8c033c', 0, 4, 5, 1796065528902, '\x81a8616363657074656483a776657273696f6e05a863757272656e6379a3555344a566616374739282a46e616d65a4736f6c64a576616c756581a4666c6167c382a46e616d65a57072696365a576616c756581a6616d6f756e74cd2af8'),
	('d7dd34f8-42ea-53ab-bdb2-51fa05fc6c4e', 'reveal_seed', '01a22dd9-0bd7-7305-b572-522cf57ed0c8', 0, 0, 5, 1796065528903, '\x81a8616363657074656483a776657273696f6e05a863757272656e6379a3555344a5666163747390'),
	('8df96e6b-7118-5d71-ab79-d36be8fa93eb', 'reveal_seed', '01a22dd9-0bcd-760c-a9db-86188e8c033c', 0, 4, 6, 1796065529002, '\x81a8616363657074656483a776657273696f6e06a863757272656e6379a3555344a5666163747390');
INSERT INTO public.events VALUES
	(5, 1, '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', 1, 'user_created', 1, 1796065528699, '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', NULL, '\x80'),
	(6, 1, '01a22dd9-0b87-7330-9b00-d8a0ef29285e', 1, 'user_created', 1, 1796065528736, '01a22dd9-0b87-7330-9b00-d8a0ef29285e', NULL, '\x80'),
	(5, 2, '01a22dd9-0baa-759c-b1b4-ce6c360907ed', 1, 'user_created', 1, 1796065528768, '01a22dd9-0baa-759c-b1b4-ce6c360907ed', NULL, '\x80'),
	(5, 3, '01a22dd9-0bc3-7577-8897-ccf60999e8e5', 1, 'auction_created', 1, 1796065528771, '01a22dd9-0bc3-7577-8897-ccf60999e8e5', '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', '\x8ba57469746c65a44f70656eab6465736372697074696f6ea0a863757272656e6379a3555344ab6f70656e696e675f626964cd26aca772657365727665c0a97374617274735f6174cf000001a22dd90bc3a7656e64735f6174cf000003b3d512ac00a673656c6c6572d92430316132326464392d306232372d373739332d396666352d623061613063643563363235aa736f66745f636c6f7365c0b272657472616374696f6e5f6c6f636b5f6d7300a970726f6d6f74696f6e82a865766572795f6d73ce000927c0aa636f6d6d69746d656e74d94032623233626431386231613666363365663638333831303739613562643161366638623065313563643864643039313639396237663266383262666531346138'),
	(4, 1, '01a22dd9-0bcd-760c-a9db-86188e8c033c', 1, 'auction_created', 1, 1796065528781, '01a22dd9-0bcd-760c-a9db-86188e8c033c', '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', '\x8ba57469746c65a5456e646564ab6465736372697074696f6ea0a863757272656e6379a3555344ab6f70656e696e675f626964cd26aca772657365727665cd2710a97374617274735f6174cf000001a22dd90bcda7656e64735f6174cf000003b3d512ac00a673656c6c6572d92430316132326464392d306232372d373739332d396666352d623061613063643563363235aa736f66745f636c6f7365c0b272657472616374696f6e5f6c6f636b5f6d7300a970726f6d6f74696f6e82a865766572795f6d73ce000927c0aa636f6d6d69746d656e74d94031613334353161373262636565656232623935656239643765666134393539303037383431616233356133313962343330393131343265323136626537643335'),
	(0, 1, '01a22dd9-0bd7-7305-b572-522cf57ed0c8', 1, 'auction_created', 1, 1796065528792, '01a22dd9-0bd7-7305-b572-522cf57ed0c8', '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', '\x8ba57469746c65a943616e63656c6c6564ab6465736372697074696f6ea0a863757272656e6379a3555344ab6f70656e696e675f626964cd26aca772657365727665c0a97374617274735f6174cf000001a22dd90bd8a7656e64735f6174cf000003b3d512ac00a673656c6c6572d92430316132326464392d306232372d373739332d396666352d623061613063643563363235aa736f66745f636c6f7365c0b272657472616374696f6e5f6c6f636b5f6d7300a970726f6d6f74696f6e82a865766572795f6d73ce000927c0aa636f6d6d69746d656e74d94031613036663533323936653836306561386231393361633666663931356361356663386133323138653864373662316438396563366536323835333963636566'),
	(5, 4, '01a22dd9-0bc3-7577-8897-ccf60999e8e5', 2, 'bid_placed', 1, 1796065528801, '01a22dd9-0be1-722b-9d28-aa0b4c1e944d', '01a22dd9-0b87-7330-9b00-d8a0ef29285e', '\x83a3626964d92430316132326464392d306265312d373232622d396432382d616130623463316539343464a6626964646572d92430316132326464392d306238372d373333302d396230302d643861306566323932383565a6616d6f756e74cd2710'),
	(5, 5, '01a22dd9-0bc3-7577-8897-ccf60999e8e5', 3, 'bid_placed', 1, 1796065528808, '01a22dd9-0be6-7255-bc8e-8f75f98f911a', '01a22dd9-0baa-759c-b1b4-ce6c360907ed', '\x83a3626964d92430316132326464392d306265362d373235352d626338652d386637356639386639313161a6626964646572d92430316132326464392d306261612d373539632d623162342d636536633336303930376564a6616d6f756e74cd2af8'),
	(4, 2, '01a22dd9-0bcd-760c-a9db-86188e8c033c', 2, 'bid_placed', 1, 1796065528812, '01a22dd9-0bec-7379-8109-3f964c5a8ed8', '01a22dd9-0b87-7330-9b00-d8a0ef29285e', '\x83a3626964d92430316132326464392d306265632d373337392d383130392d336639363463356138656438a6626964646572d92430316132326464392d306238372d373333302d396230302d643861306566323932383565a6616d6f756e74cd2710'),
	(4, 3, '01a22dd9-0bcd-760c-a9db-86188e8c033c', 3, 'bid_placed', 1, 1796065528815, '01a22dd9-0bef-73f0-8fe6-1a14750ac036', '01a22dd9-0baa-759c-b1b4-ce6c360907ed', '\x83a3626964d92430316132326464392d306265662d373366302d386665362d316131343735306163303336a6626964646572d92430316132326464392d306261612d373539632d623162342d636536633336303930376564a6616d6f756e74cd2af8'),
	(0, 2, '01a22dd9-0bd7-7305-b572-522cf57ed0c8', 2, 'bid_placed', 1, 1796065528820, '01a22dd9-0bf4-72d3-933e-5e142d76961e', '01a22dd9-0b87-7330-9b00-d8a0ef29285e', '\x83a3626964d92430316132326464392d306266342d373264332d393333652d356531343264373639363165a6626964646572d92430316132326464392d306238372d373333302d396230302d643861306566323932383565a6616d6f756e74cd2710'),
	(0, 3, '01a22dd9-0bd7-7305-b572-522cf57ed0c8', 3, 'bid_placed', 1, 1796065528822, '01a22dd9-0bf6-74f0-b19a-53864b309cfd', '01a22dd9-0baa-759c-b1b4-ce6c360907ed', '\x83a3626964d92430316132326464392d306266362d373466302d623139612d353338363462333039636664a6626964646572d92430316132326464392d306261612d373539632d623162342d636536633336303930376564a6616d6f756e74cd2af8'),
	(5, 6, '01a22dd9-0baa-759c-b1b4-ce6c360907ed', 2, 'subscriptions_changed', 2, 1796065528824, '01a22dd9-0bf8-706e-9d93-edda3bdacd49', '01a22dd9-0baa-759c-b1b4-ce6c360907ed', '\x81ab686967686573745f626964c2'),
	(4, 4, '01a22dd9-0bcd-760c-a9db-86188e8c033c', 4, 'auction_ended', 2, 1796065528825, '01a22dd9-0bf9-70cd-aaf0-750702dff5c9', NULL, '\x82a7656e64735f6174cf000001a22dd90bf9a26279d92d6f70657261746f723a30316132326464392d306232372d373739332d396666352d623061613063643563363235'),
	(0, 4, '01a22dd9-0bd7-7305-b572-522cf57ed0c8', 4, 'auction_cancelled', 2, 1796065528827, '01a22dd9-0bfb-766f-8f99-da1f513d1a40', '01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', '\x81a26279d92430316132326464392d306232372d373739332d396666352d623061613063643563363235'),
	(4, 5, '01a22dd9-0bcd-760c-a9db-86188e8c033c', 5, 'winner_announced', 1, 1796065528902, '8b7c7cbb-1a6f-5ab0-9e4f-cdf1dca2d6b7', NULL, '\x84a3626964d92430316132326464392d306265662d373366302d386665362d316131343735306163303336a6626964646572d92430316132326464392d306261612d373539632d623162342d636536633336303930376564a470617973cd2af8a9656666656374697665cd2af8'),
	(0, 5, '01a22dd9-0bd7-7305-b572-522cf57ed0c8', 5, 'seed_revealed', 1, 1796065528903, 'd7dd34f8-42ea-53ab-bdb2-51fa05fc6c4e', NULL, '\x81a473656564d94031356133626661613261313336376537346666626437653035346661393061366534363832363232636634613833656365333930623936643966633364616464'),
	(4, 6, '01a22dd9-0bcd-760c-a9db-86188e8c033c', 6, 'seed_revealed', 1, 1796065529002, '8df96e6b-7118-5d71-ab79-d36be8fa93eb', NULL, '\x81a473656564d94035656438303832383531393863323662656636313162626533626333356364633865313161636335353539386463396539656262343965393432343664323736');
INSERT INTO public.inbox_placements VALUES
	(2, 0, '{}'),
	(1, 0, '{}'),
	(0, 0, '{}'),
	(3, 0, '{}'),
	(4, 0, '{}'),
	(7, 0, '{}'),
	(5, 2, '{1,0,0,0,2,0,0,0}'),
	(6, 2, '{0,0,0,0,1,1,0,0}');
INSERT INTO public.inboxes VALUES
	('01a22dd9-0baa-759c-b1b4-ce6c360907ed', 2, 0, 5),
	('01a22dd9-0b87-7330-9b00-d8a0ef29285e', 2, 0, 6);
INSERT INTO public.migration_compatibility VALUES
	(21, 21);
INSERT INTO public.notifications VALUES
	('01a22dd9-0b87-7330-9b00-d8a0ef29285e', 1, '57957b1a-f35d-5912-a0fb-7f0d84e46aff', '\x7b226174223a22323032362d31312d33305431393a30353a32382e3830385a222c2261756374696f6e223a2230316132326464392d306263332d373537372d383839372d636366363039393965386535222c227469746c65223a224f70656e222c2276657273696f6e223a332c226b696e64223a22686967686573745f626964222c227374616e64696e67223a226f7574626964222c2268696768657374223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22656e64735f6174223a22323039392d30312d30315430303a30303a30302e3030305a227d', 6),
	('01a22dd9-0baa-759c-b1b4-ce6c360907ed', 1, '7816f395-1b0e-5cb0-b700-34e808d1bb26', '\x7b226174223a22323032362d31312d33305431393a30353a32382e3930325a222c2261756374696f6e223a2230316132326464392d306263642d373630632d613964622d383631383865386330333363222c227469746c65223a22456e646564222c2276657273696f6e223a352c226b696e64223a2261756374696f6e5f776f6e222c22626964223a2230316132326464392d306265662d373366302d386665362d316131343735306163303336222c227072696365223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22636f756e74735f666f72223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d7d', 5),
	('01a22dd9-0baa-759c-b1b4-ce6c360907ed', 2, '0306dc03-b825-5384-a218-d59e55843161', '\x7b226174223a22323032362d31312d33305431393a30353a32382e3832375a222c2261756374696f6e223a2230316132326464392d306264372d373330352d623537322d353232636635376564306338222c227469746c65223a2243616e63656c6c6564222c2276657273696f6e223a342c226b696e64223a2261756374696f6e5f63616e63656c6c6564222c22626964223a2230316132326464392d306266362d373466302d623139612d353338363462333039636664222c22616d6f756e74223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22636f756e74735f666f72223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d7d', 5),
	('01a22dd9-0b87-7330-9b00-d8a0ef29285e', 2, '306fe2ed-4c0c-5267-b632-6cfa3c1af8e0', '\x7b226174223a22323032362d31312d33305431393a30353a32382e3831355a222c2261756374696f6e223a2230316132326464392d306263642d373630632d613964622d383631383865386330333363222c227469746c65223a22456e646564222c2276657273696f6e223a362c226b696e64223a22686967686573745f626964222c227374616e64696e67223a226f7574626964222c2268696768657374223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22656e64735f6174223a22323032362d31312d33305431393a30353a32382e3832355a227d', 6);
INSERT INTO public.notifier_checkpoints VALUES
	(2, 0, 0),
	(7, 0, 0),
	(3, 0, 0),
	(1, 0, 0),
	(6, 1, 0),
	(5, 6, 1),
	(4, 6, 2),
	(0, 5, 1);
INSERT INTO public.partitions VALUES
	(1, 0),
	(2, 0),
	(3, 0),
	(7, 0),
	(6, 1),
	(5, 6),
	(0, 5),
	(4, 6);
INSERT INTO public.refinery_schema_history VALUES
	(1, 'events', '2026-11-30T19:05:28.252235115Z', '8158937673611987856'),
	(2, 'people_and_auctions', '2026-11-30T19:05:28.259143884Z', '13874389414216808472'),
	(3, 'snapshots', '2026-11-30T19:05:28.265083738Z', '3527853054771172956'),
	(4, 'what_follows_from_deletions', '2026-11-30T19:05:28.266646904Z', '16510520399616713328'),
	(5, 'parked_events', '2026-11-30T19:05:28.268620476Z', '9009880318954963446'),
	(6, 'notifier', '2026-11-30T19:05:28.270351694Z', '13201283589004728270'),
	(7, 'seeds_to_reveal', '2026-11-30T19:05:28.273565096Z', '8479346942618948750'),
	(8, 'outcomes_without_index_by_time', '2026-11-30T19:05:28.27456027Z', '3647930392693071812'),
	(9, 'accounts', '2026-11-30T19:05:28.27539339Z', '11806856946295686047'),
	(10, 'webhooks', '2026-11-30T19:05:28.281333976Z', '12685619684882576755'),
	(12, 'append_batch', '2026-11-30T19:05:28.286216483Z', '14672420173315700164'),
	(13, 'plain_names', '2026-11-30T19:05:28.287927882Z', '9700374328784014397'),
	(14, 'notification_kinds', '2026-11-30T19:05:28.291182897Z', '2492295563829185889'),
	(15, 'append_rows', '2026-11-30T19:05:28.292583529Z', '15681023190675777498'),
	(16, 'bars', '2026-11-30T19:05:28.293994266Z', '8650588667647081250'),
	(17, 'partition_of_keys', '2026-11-30T19:05:28.29960651Z', '12720344818235670634'),
	(18, 'partition_of_rows', '2026-11-30T19:05:28.304266993Z', '4805562292585650545'),
	(19, 'partition_of_inboxes', '2026-11-30T19:05:28.308536381Z', '561375058157604784'),
	(20, 'outgoing_notifications', '2026-11-30T19:05:28.320419595Z', '17066255013733348801'),
	(21, 'migration_compatibility', '2026-11-30T19:05:28.323298616Z', '6186888772075876841');
INSERT INTO public.secrets VALUES
	('command_handles', '\xf819ac9f8f594a68a25f7d0d469b400d150e54058db844b1bcf73bf0587c26c7'),
	('draws', '\x1e41651476a548f49ee0ee324cc779c0c8c818d3815b464f8be2b08edb9a13d5'),
	('webhooks', '\xa45f94fe86b04e03afe37f6cf7656dc076c9a80f6137493b995ac63c0d0dc71e'),
	('portal_id', '\x0fd4fe3218cb4b24a9bafca360ee9b24');
INSERT INTO public.subscriptions VALUES
	('01a22dd9-0baa-759c-b1b4-ce6c360907ed', '{highest_bid}', 5);
INSERT INTO public.users VALUES
	('01a22dd9-0b27-7793-9ff5-b0aa0cd5c625', 1796065528699, NULL, 5),
	('01a22dd9-0b87-7330-9b00-d8a0ef29285e', 1796065528736, NULL, 6),
	('01a22dd9-0baa-759c-b1b4-ce6c360907ed', 1796065528768, NULL, 5);
SELECT pg_catalog.setval('public.deliveries_seq_seq', 1, false);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_name_key UNIQUE (name);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (key_hash);
ALTER TABLE ONLY public.auctions
    ADD CONSTRAINT auctions_pkey PRIMARY KEY (partition, id);
ALTER TABLE ONLY public.barred_users
    ADD CONSTRAINT barred_users_pkey PRIMARY KEY (partition, user_id);
ALTER TABLE ONLY public.bids
    ADD CONSTRAINT bids_pkey PRIMARY KEY (partition, id);
ALTER TABLE ONLY public.command_outcomes
    ADD CONSTRAINT command_outcomes_pkey PRIMARY KEY (partition, command_id);
ALTER TABLE ONLY public.deletions
    ADD CONSTRAINT deletions_pkey PRIMARY KEY (partition, user_id);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_endpoint_id_key UNIQUE (partition, endpoint, id);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (partition, seq);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_aggregate_version_key UNIQUE (partition, aggregate, version);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (partition, "position");
ALTER TABLE ONLY public.inbox_placements
    ADD CONSTRAINT inbox_placements_pkey PRIMARY KEY (partition);
ALTER TABLE ONLY public.inboxes
    ADD CONSTRAINT inboxes_pkey PRIMARY KEY (partition, user_id);
ALTER TABLE ONLY public.migration_compatibility
    ADD CONSTRAINT migration_compatibility_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (partition, user_id, seq);
ALTER TABLE ONLY public.notifier_checkpoints
    ADD CONSTRAINT notifier_checkpoints_pkey PRIMARY KEY (partition);
ALTER TABLE ONLY public.outgoing_notifications
    ADD CONSTRAINT outgoing_notifications_pkey PRIMARY KEY (partition, user_partition, number);
ALTER TABLE ONLY public.parked_events
    ADD CONSTRAINT parked_events_pkey PRIMARY KEY (partition, component, key);
ALTER TABLE ONLY public.partitions
    ADD CONSTRAINT partitions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.refinery_schema_history
    ADD CONSTRAINT refinery_schema_history_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (partition, aggregate);
ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (partition, user_id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (partition, id);
ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (partition, id);
CREATE UNIQUE INDEX accounts_email ON public.accounts USING btree (lower(email));
CREATE INDEX accounts_provisional ON public.accounts USING btree (created_at) WHERE (state = 'provisional'::text);
CREATE INDEX auctions_open ON public.auctions USING btree (partition, ends_at) WHERE (status = 'open'::text);
CREATE INDEX auctions_open_by_seller ON public.auctions USING btree (partition, seller) WHERE (status = 'open'::text);
CREATE INDEX auctions_seed_pending ON public.auctions USING btree (partition) WHERE seed_pending;
CREATE INDEX barred_users_unfinished ON public.barred_users USING btree (partition) WHERE (NOT finished);
CREATE INDEX bids_by_bidder ON public.bids USING brin (bidder uuid_bloom_ops (n_distinct_per_range='2000')) WITH (pages_per_range='32', autosummarize='on');
CREATE INDEX deletions_unfinished ON public.deletions USING btree (retry_at, user_id) WHERE (NOT finished);
CREATE INDEX deliveries_due ON public.deliveries USING btree (channel, due_at) WHERE (state = 'pending'::text);
CREATE INDEX deliveries_finished ON public.deliveries USING btree (finished_at) WHERE (finished_at IS NOT NULL);
CREATE INDEX deliveries_of_endpoint ON public.deliveries USING btree (partition, endpoint, seq);
CREATE INDEX sessions_by_expiry ON public.sessions USING btree (expires_at);
CREATE INDEX sessions_by_user ON public.sessions USING btree (user_id);
CREATE INDEX webhooks_of_user ON public.webhooks USING btree (partition, user_id);
CREATE TRIGGER events_are_append_only BEFORE DELETE OR UPDATE ON public.events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
ALTER TABLE public.events ENABLE ALWAYS TRIGGER events_are_append_only;
CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
ALTER TABLE public.events ENABLE ALWAYS TRIGGER events_are_not_truncated;
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.accounts(user_id) ON DELETE CASCADE;
