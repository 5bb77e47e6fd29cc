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
    "position" bigint NOT NULL
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
	('01a22d9c-19dc-76f1-830b-f1915fe59e2b', 'sue@example.org', 'sue', '$argon2id$v=19$m=19456,t=2,p=1$SSNIZ2iFBwjY6GMWow25RA$SHriTkJTAW3bZ5VB1cV+4S3go1DHtrznYh7/dShcIkM', 'seller', 'provisional', '01a22d9c-19dc-76f1-830b-f1915fe59e2b', 1796061535186, 0),
	('01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 'ada@example.org', 'ada', '$argon2id$v=19$m=19456,t=2,p=1$mvINyeGwL6uEUuclOZpkGA$ZCnLKHkpwH4P8min8fGDgH9sARrewdmHGFA1HzC4jXs', 'seller', 'provisional', '01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 1796061535758, 0),
	('01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 'bob@example.org', 'bob', '$argon2id$v=19$m=19456,t=2,p=1$Cp+YAkVqMRchWlfwu3ilTA$RxhP2zlEL7Q91UhUl5j9xBejo2jw6Wu2B8rxftD3CKs', 'seller', 'provisional', '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 1796061535943, 0);
INSERT INTO public.auctions VALUES
	('01a22d9c-1f28-729d-a768-55e4c53880a0', 0, '01a22d9c-19dc-76f1-830b-f1915fe59e2b', 'open', 4070908800000, true),
	('01a22d9c-200c-729e-bada-8aa27b136435', 5, '01a22d9c-19dc-76f1-830b-f1915fe59e2b', 'cancelled', 4070908800000, false),
	('01a22d9c-1f77-7365-95a6-26d01e18810a', 2, '01a22d9c-19dc-76f1-830b-f1915fe59e2b', 'closed', 1796061536767, false);
INSERT INTO public.bids VALUES
	('01a22d9c-2102-7258-ba8b-1a58ed5c90d6', '01a22d9c-1f28-729d-a768-55e4c53880a0', '01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 10000, false, 'live', 0),
	('01a22d9c-211f-734f-98b0-2ff6b390ddea', '01a22d9c-1f28-729d-a768-55e4c53880a0', '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 11000, false, 'live', 0),
	('01a22d9c-215f-7084-9eb7-4d8348256ae9', '01a22d9c-1f77-7365-95a6-26d01e18810a', '01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 10000, false, 'live', 2),
	('01a22d9c-21b3-7681-8758-9ef95cb89532', '01a22d9c-1f77-7365-95a6-26d01e18810a', '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 11000, false, 'live', 2),
	('01a22d9c-21d4-77c1-b881-2cca52bfe99d', '01a22d9c-200c-729e-bada-8aa27b136435', '01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 10000, false, 'live', 5),
	('01a22d9c-21eb-7040-b883-6ce220d6c458', '01a22d9c-200c-729e-bada-8aa27b136435', '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 11000, false, 'live', 5);
INSERT INTO public.command_outcomes VALUES
	('01a22d9c-19dc-76f1-830b-f1915fe59e2b', 'create_user', '01a22d9c-19dc-76f1-830b-f1915fe59e2b', 9141600840266040838, 3, 1, 1796061535195, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379c0a5666163747390'),
	('01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 'create_user', '01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', -591492683603544988, 6, 1, 1796061535804, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379c0a5666163747390'),
	('01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 'create_user', '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 4807462349792260424, 7, 1, 1796061535952, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379c0a5666163747390'),
	('01a22d9c-1f28-729d-a768-55e4c53880a0', 'create_auction', '01a22d9c-1f28-729d-a768-55e4c53880a0', 5997204121760285492, 0, 1, 1796061536040, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379a3555344a5666163747390'),
	('01a22d9c-1f77-7365-95a6-26d01e18810a', 'create_auction', '01a22d9c-1f77-7365-95a6-26d01e18810a', -381862163066171842, 2, 1, 1796061536120, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379a3555344a5666163747390'),
	('01a22d9c-200c-729e-bada-8aa27b136435', 'create_auction', '01a22d9c-200c-729e-bada-8aa27b136435', 7368417607038008422, 5, 1, 1796061536269, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379a3555344a5666163747390'),
	('01a22d9c-2102-7258-ba8b-1a58ed5c90d6', 'place_bid', '01a22d9c-1f28-729d-a768-55e4c53880a0', 6862132573155314059, 0, 2, 1796061536531, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd271082a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2710'),
	('01a22d9c-211f-734f-98b0-2ff6b390ddea', 'place_bid', '01a22d9c-1f28-729d-a768-55e4c53880a0', 3863242963466197379, 0, 3, 1796061536543, '\x81a8616363657074656483a776657273696f6e03a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd2af882a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2af8'),
	('01a22d9c-215f-7084-9eb7-4d8348256ae9', 'place_bid', '01a22d9c-1f77-7365-95a6-26d01e18810a', 6862132573155314059, 2, 2, 1796061536621, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd271082a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2710'),
	('01a22d9c-21b3-7681-8758-9ef95cb89532', 'place_bid', '01a22d9c-1f77-7365-95a6-26d01e18810a', 3863242963466197379, 2, 3, 1796061536708, '\x81a8616363657074656483a776657273696f6e03a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd2af882a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2af8'),
	('01a22d9c-21d4-77c1-b881-2cca52bfe99d', 'place_bid', '01a22d9c-200c-729e-bada-8aa27b136435', 6862132573155314059, 5, 2, 1796061536724, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd271082a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2710'),
	('01a22d9c-21eb-7040-b883-6ce220d6c458', 'place_bid', '01a22d9c-200c-729e-bada-8aa27b136435', 3863242963466197379, 5, 3, 1796061536748, '\x81a8616363657074656483a776657273696f6e03a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd2af882a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2af8'),
	('01a22d9c-21f1-70bb-a512-1b43f01be542', 'change_subscriptions', '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 3921096639201672141, 7, 2, 1796061536753, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379c0a5666163747390'),
	('01a22d9c-21ff-7497-aab5-5b694c87ed1b', 'end_auction', '01a22d9c-1f77-7365-95a6-26d01e18810a', -2039914840885289964, 2, 4, 1796061536767, '\x81a8616363657074656483a776657273696f6e04a863757272656e6379a3555344a5666163747390'),
	('01a22d9c-2217-76dd-9340-c65b35b83082', 'cancel_auction', '01a22d9c-200c-729e-bada-8aa27b136435', -2039914840885289964, 5, 4, 1796061536791, '\x81a8616363657074656483a776657273696f6e04a863757272656e6379a3555344a5666163747390'),
	('7766d590-996d-5ad0-bc33-3f17e11a63c9', 'close_auction', '01a22d9c-1f77-7365-95a6-26d01e18810a', 0, 2, 5, 1796061536810, '\x81a8616363657074656483a776657273696f6e05a863757272656e6379a3555344a566616374739282a46e616d65a4736f6c64a576616c756581a4666c6167c382a46e616d65a57072696365a576616c756581a6616d6f756e74cd2af8'),
	('aaedfeb9-ef11-403d-8bc6-7e4ce81e28a7', 'raffle', '01a22d9c-1f28-729d-a768-55e4c53880a0', 0, 0, 3, 1796061536823, '\x81a66661696c656482a6726561736f6eaa756e7265616461626c65a56572726f72b5756e6b6e6f776e206b696e642060726166666c6560'),
	('f1469d0e-d409-57d7-9b34-b1a1e923a2df', 'reveal_seed', '01a22d9c-200c-729e-bada-8aa27b136435', 0, 5, 5, 1796061536911, '\x81a8616363657074656483a776657273696f6e05a863757272656e6379a3555344a5666163747390'),
	('b9be6879-6592-5900-a956-bf7e11b3290c', 'reveal_seed', '01a22d9c-1f77-7365-95a6-26d01e18810a', 0, 2, 6, 1796061536911, '\x81a8616363657074656483a776657273696f6e06a863757272656e6379a3555344a5666163747390');
INSERT INTO public.events VALUES
	(3, 1, '01a22d9c-19dc-76f1-830b-f1915fe59e2b', 1, 'user_created', 1, 1796061535195, '01a22d9c-19dc-76f1-830b-f1915fe59e2b', NULL, '\x80'),
	(6, 1, '01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 1, 'user_created', 1, 1796061535804, '01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', NULL, '\x80'),
	(7, 1, '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 1, 'user_created', 1, 1796061535952, '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', NULL, '\x80'),
	(0, 1, '01a22d9c-1f28-729d-a768-55e4c53880a0', 1, 'auction_created', 1, 1796061536040, '01a22d9c-1f28-729d-a768-55e4c53880a0', '01a22d9c-19dc-76f1-830b-f1915fe59e2b', '\x8ba57469746c65a44f70656eab6465736372697074696f6ea0a863757272656e6379a3555344ab6f70656e696e675f626964cd26aca772657365727665c0a97374617274735f6174cf000001a22d9c1f28a7656e64735f6174cf000003b3d512ac00a673656c6c6572d92430316132326439632d313964632d373666312d383330622d663139313566653539653262aa736f66745f636c6f7365c0b272657472616374696f6e5f6c6f636b5f6d7300a970726f6d6f74696f6e82a865766572795f6d73ce000927c0aa636f6d6d69746d656e74d94066323536316331383565353562646665346135626665396630613337336530656262353134306433356465356431633536636564376536356263333236626164'),
	(2, 1, '01a22d9c-1f77-7365-95a6-26d01e18810a', 1, 'auction_created', 1, 1796061536120, '01a22d9c-1f77-7365-95a6-26d01e18810a', '01a22d9c-19dc-76f1-830b-f1915fe59e2b', '\x8ba57469746c65a5456e646564ab6465736372697074696f6ea0a863757272656e6379a3555344ab6f70656e696e675f626964cd26aca772657365727665cd2710a97374617274735f6174cf000001a22d9c1f78a7656e64735f6174cf000003b3d512ac00a673656c6c6572d92430316132326439632d313964632d373666312d383330622d663139313566653539653262aa736f66745f636c6f7365c0b272657472616374696f6e5f6c6f636b5f6d7300a970726f6d6f74696f6e82a865766572795f6d73ce000927c0aa636f6d6d69746d656e74d94061373537666564356538373232623839373636656265386262663830616537643766666262386466313339326530373532333536323036386165326362643932'),
	(5, 1, '01a22d9c-200c-729e-bada-8aa27b136435', 1, 'auction_created', 1, 1796061536269, '01a22d9c-200c-729e-bada-8aa27b136435', '01a22d9c-19dc-76f1-830b-f1915fe59e2b', '\x8ba57469746c65a943616e63656c6c6564ab6465736372697074696f6ea0a863757272656e6379a3555344ab6f70656e696e675f626964cd26aca772657365727665c0a97374617274735f6174cf000001a22d9c200da7656e64735f6174cf000003b3d512ac00a673656c6c6572d92430316132326439632d313964632d373666312d383330622d663139313566653539653262aa736f66745f636c6f7365c0b272657472616374696f6e5f6c6f636b5f6d7300a970726f6d6f74696f6e82a865766572795f6d73ce000927c0aa636f6d6d69746d656e74d94035376163336633306436616162336437313162643462616633303534306533306634656435303136303733623430303966343465663836623363373236353161'),
	(0, 2, '01a22d9c-1f28-729d-a768-55e4c53880a0', 2, 'bid_placed', 1, 1796061536531, '01a22d9c-2102-7258-ba8b-1a58ed5c90d6', '01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', '\x83a3626964d92430316132326439632d323130322d373235382d626138622d316135386564356339306436a6626964646572d92430316132326439632d316431612d373564642d396233612d616632623063646237383536a6616d6f756e74cd2710'),
	(0, 3, '01a22d9c-1f28-729d-a768-55e4c53880a0', 3, 'bid_placed', 1, 1796061536543, '01a22d9c-211f-734f-98b0-2ff6b390ddea', '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', '\x83a3626964d92430316132326439632d323131662d373334662d393862302d326666366233393064646561a6626964646572d92430316132326439632d316538322d373562352d393134302d386536366531366537643166a6616d6f756e74cd2af8'),
	(2, 2, '01a22d9c-1f77-7365-95a6-26d01e18810a', 2, 'bid_placed', 1, 1796061536621, '01a22d9c-215f-7084-9eb7-4d8348256ae9', '01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', '\x83a3626964d92430316132326439632d323135662d373038342d396562372d346438333438323536616539a6626964646572d92430316132326439632d316431612d373564642d396233612d616632623063646237383536a6616d6f756e74cd2710'),
	(2, 3, '01a22d9c-1f77-7365-95a6-26d01e18810a', 3, 'bid_placed', 1, 1796061536708, '01a22d9c-21b3-7681-8758-9ef95cb89532', '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', '\x83a3626964d92430316132326439632d323162332d373638312d383735382d396566393563623839353332a6626964646572d92430316132326439632d316538322d373562352d393134302d386536366531366537643166a6616d6f756e74cd2af8'),
	(5, 2, '01a22d9c-200c-729e-bada-8aa27b136435', 2, 'bid_placed', 1, 1796061536724, '01a22d9c-21d4-77c1-b881-2cca52bfe99d', '01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', '\x83a3626964d92430316132326439632d323164342d373763312d623838312d326363613532626665393964a6626964646572d92430316132326439632d316431612d373564642d396233612d616632623063646237383536a6616d6f756e74cd2710'),
	(5, 3, '01a22d9c-200c-729e-bada-8aa27b136435', 3, 'bid_placed', 1, 1796061536748, '01a22d9c-21eb-7040-b883-6ce220d6c458', '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', '\x83a3626964d92430316132326439632d323165622d373034302d623838332d366365323230643663343538a6626964646572d92430316132326439632d316538322d373562352d393134302d386536366531366537643166a6616d6f756e74cd2af8'),
	(7, 2, '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 2, 'subscriptions_changed', 2, 1796061536753, '01a22d9c-21f1-70bb-a512-1b43f01be542', '01a22d9c-1e82-75b5-9140-8e66e16e7d1f', '\x81ab686967686573745f626964c2'),
	(2, 4, '01a22d9c-1f77-7365-95a6-26d01e18810a', 4, 'auction_ended', 2, 1796061536767, '01a22d9c-21ff-7497-aab5-5b694c87ed1b', NULL, '\x82a7656e64735f6174cf000001a22d9c21ffa26279d92d6f70657261746f723a30316132326439632d313964632d373666312d383330622d663139313566653539653262'),
	(5, 4, '01a22d9c-200c-729e-bada-8aa27b136435', 4, 'auction_cancelled', 2, 1796061536791, '01a22d9c-2217-76dd-9340-c65b35b83082', '01a22d9c-19dc-76f1-830b-f1915fe59e2b', '\x81a26279d92430316132326439632d313964632d373666312d383330622d663139313566653539653262'),
	(2, 5, '01a22d9c-1f77-7365-95a6-26d01e18810a', 5, 'winner_announced', 1, 1796061536810, '7766d590-996d-5ad0-bc33-3f17e11a63c9', NULL, '\x84a3626964d92430316132326439632d323162332d373638312d383735382d396566393563623839353332a6626964646572d92430316132326439632d316538322d373562352d393134302d386536366531366537643166a470617973cd2af8a9656666656374697665cd2af8'),
	(5, 5, '01a22d9c-200c-729e-bada-8aa27b136435', 5, 'seed_revealed', 1, 1796061536911, 'f1469d0e-d409-57d7-9b34-b1a1e923a2df', NULL, '\x81a473656564d94062306362663561333961623337343863363831643739626237356139333465663036343431343738663835333639626663353235343362613631376338373235'),
	(2, 6, '01a22d9c-1f77-7365-95a6-26d01e18810a', 6, 'seed_revealed', 1, 1796061536911, 'b9be6879-6592-5900-a956-bf7e11b3290c', NULL, '\x81a473656564d94037666435323666646336666633653934663530613338333462623563663535656264323333653937613863306333383531363561343132363230383932363835');
INSERT INTO public.inboxes VALUES
	('01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 2, 0, 6),
	('01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 2, 0, 7);
INSERT INTO public.migration_compatibility VALUES
	(21, 21);
INSERT INTO public.notifications VALUES
	('01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 1, '5f8c3afa-096a-5d3b-a1bb-9c4ec46d78f9', '\x7b226174223a22323032362d31312d33305431373a35383a35362e3534335a222c2261756374696f6e223a2230316132326439632d316632382d373239642d613736382d353565346335333838306130222c227469746c65223a224f70656e222c2276657273696f6e223a332c226b696e64223a22686967686573745f626964222c227374616e64696e67223a226f7574626964222c2268696768657374223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22656e64735f6174223a22323039392d30312d30315430303a30303a30302e3030305a227d', 6),
	('01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 2, '18adfeb0-dd34-53eb-bfc5-e888c09f40a1', '\x7b226174223a22323032362d31312d33305431373a35383a35362e3730385a222c2261756374696f6e223a2230316132326439632d316637372d373336352d393561362d323664303165313838313061222c227469746c65223a22456e646564222c2276657273696f6e223a362c226b696e64223a22686967686573745f626964222c227374616e64696e67223a226f7574626964222c2268696768657374223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22656e64735f6174223a22323032362d31312d33305431373a35383a35362e3736375a227d', 6),
	('01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 1, '2b283cf9-c460-53b6-9cbf-f124d032079e', '\x7b226174223a22323032362d31312d33305431373a35383a35362e3831305a222c2261756374696f6e223a2230316132326439632d316637372d373336352d393561362d323664303165313838313061222c227469746c65223a22456e646564222c2276657273696f6e223a352c226b696e64223a2261756374696f6e5f776f6e222c22626964223a2230316132326439632d323162332d373638312d383735382d396566393563623839353332222c227072696365223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22636f756e74735f666f72223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d7d', 7),
	('01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 2, '3cfb3f77-8c3b-5f2b-b380-4ae2ce254459', '\x7b226174223a22323032362d31312d33305431373a35383a35362e3739315a222c2261756374696f6e223a2230316132326439632d323030632d373239652d626164612d386161323762313336343335222c227469746c65223a2243616e63656c6c6564222c2276657273696f6e223a342c226b696e64223a2261756374696f6e5f63616e63656c6c6564222c22626964223a2230316132326439632d323165622d373034302d623838332d366365323230643663343538222c22616d6f756e74223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22636f756e74735f666f72223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d7d', 7);
INSERT INTO public.notifier_checkpoints VALUES
	(1, 0),
	(4, 0),
	(3, 1),
	(6, 1),
	(7, 2),
	(0, 3),
	(2, 6),
	(5, 5);
INSERT INTO public.partitions VALUES
	(1, 0),
	(4, 0),
	(3, 1),
	(6, 1),
	(7, 2),
	(0, 3),
	(5, 5),
	(2, 6);
INSERT INTO public.refinery_schema_history VALUES
	(1, 'events', '2026-11-30T17:58:53.418702465Z', '8158937673611987856'),
	(2, 'people_and_auctions', '2026-11-30T17:58:53.445094773Z', '13874389414216808472'),
	(3, 'snapshots', '2026-11-30T17:58:53.470234091Z', '3527853054771172956'),
	(4, 'what_follows_from_deletions', '2026-11-30T17:58:53.487865622Z', '16510520399616713328'),
	(5, 'parked_events', '2026-11-30T17:58:53.509132438Z', '9009880318954963446'),
	(6, 'notifier', '2026-11-30T17:58:53.528151201Z', '13201283589004728270'),
	(7, 'seeds_to_reveal', '2026-11-30T17:58:53.56751048Z', '8479346942618948750'),
	(8, 'outcomes_without_index_by_time', '2026-11-30T17:58:53.572406878Z', '3647930392693071812'),
	(9, 'accounts', '2026-11-30T17:58:53.574571467Z', '11806856946295686047'),
	(10, 'webhooks', '2026-11-30T17:58:53.627676775Z', '12685619684882576755'),
	(12, 'append_batch', '2026-11-30T17:58:53.683823788Z', '14672420173315700164'),
	(13, 'plain_names', '2026-11-30T17:58:53.697181915Z', '9700374328784014397'),
	(14, 'notification_kinds', '2026-11-30T17:58:53.703931835Z', '2492295563829185889'),
	(15, 'append_rows', '2026-11-30T17:58:53.709724699Z', '15681023190675777498'),
	(16, 'bars', '2026-11-30T17:58:53.721880242Z', '8650588667647081250'),
	(17, 'partition_of_keys', '2026-11-30T17:58:53.868327534Z', '12720344818235670634'),
	(18, 'partition_of_rows', '2026-11-30T17:58:53.885144171Z', '4805562292585650545'),
	(19, 'partition_of_inboxes', '2026-11-30T17:58:53.946953292Z', '561375058157604784'),
	(21, 'migration_compatibility', '2026-11-30T17:58:54.013840113Z', '6186888772075876841');
INSERT INTO public.secrets VALUES
	('command_handles', '\x7ebcadad77964635a51a7e7f95059b61ef0ce773e4084717b7b9322e73b1fba6'),
	('draws', '\xbbe12ab7eab345208fffff31a57caf78a4899f36c3584ae9a1682a872e98f1bc'),
	('webhooks', '\xac9c0e9bd0f94bdcb5ae3bbda65de5da015dd3c242a6418bb759e1ceaac7d947'),
	('portal_id', '\x7430aef669b540f39e63b8dcb7ae1abf');
INSERT INTO public.subscriptions VALUES
	('01a22d9c-1e82-75b5-9140-8e66e16e7d1f', '{highest_bid}', 7);
INSERT INTO public.users VALUES
	('01a22d9c-19dc-76f1-830b-f1915fe59e2b', 1796061535195, NULL, 3),
	('01a22d9c-1d1a-75dd-9b3a-af2b0cdb7856', 1796061535804, NULL, 6),
	('01a22d9c-1e82-75b5-9140-8e66e16e7d1f', 1796061535952, NULL, 7);
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
ALTER TABLE ONLY public.inboxes
    ADD CONSTRAINT inboxes_pkey PRIMARY KEY (partition, user_id);
ALTER TABLE ONLY public.migration_compatibility
    ADD CONSTRAINT migration_compatibility_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (partition, user_id, seq);
ALTER TABLE ONLY public.notifier_checkpoints
    ADD CONSTRAINT notifier_checkpoints_pkey PRIMARY KEY (partition);
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
