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
)
WITH (toast_tuple_target='8160');
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
	('01a22e56-b9c7-77fd-8354-24699ddade40', 'sue@example.org', 'sue', '$argon2id$v=19$m=19456,t=2,p=1$Sp1nQqYvnRnp9Ic0NSP2yw$5ey/xXN8ghyVuTyrDK48Zy6Gm3EZVLGTgoNDAASzQwE', 'seller', 'provisional', '01a22e56-b9c7-77fd-8354-24699ddade40', 1796073765638, 0),
	('01a22e56-bb4e-70bb-9018-5b4ff7994598', 'ada@example.org', 'ada', '$argon2id$v=19$m=19456,t=2,p=1$/aTSG8kgnCfSXt3BZaQwNg$T+Cr8klVq3qvgf/+B8WzncyhNlDFIw5ddebMQb2CrNM', 'seller', 'provisional', '01a22e56-bb4e-70bb-9018-5b4ff7994598', 1796073765810, 0),
	('01a22e56-bbbd-7779-aca8-abb4962515f4', 'bob@example.org', 'bob', '$argon2id$v=19$m=19456,t=2,p=1$Xw2u7FIlc/VpgqAGGWWqnA$emigOzUtodpM+wT/YtqJ/3z212N+/NIQcDUw/Yi6Gzg', 'seller', 'provisional', '01a22e56-bbbd-7779-aca8-abb4962515f4', 1796073766014, 0);
INSERT INTO public.auctions VALUES
	('01a22e56-bc9b-7478-8445-e2449175ece2', 2, '01a22e56-b9c7-77fd-8354-24699ddade40', 'open', 4070908800000, true),
	('01a22e56-bcdc-73fa-af88-d9bbd78e1913', 3, '01a22e56-b9c7-77fd-8354-24699ddade40', 'cancelled', 4070908800000, false),
	('01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 7, '01a22e56-b9c7-77fd-8354-24699ddade40', 'closed', 1796073766345, false);
INSERT INTO public.bids VALUES
	('01a22e56-bd65-74be-acc3-ee701e16e34c', '01a22e56-bc9b-7478-8445-e2449175ece2', '01a22e56-bb4e-70bb-9018-5b4ff7994598', 10000, false, 'live', 2),
	('01a22e56-bd82-73ee-b5ee-c75c08a73af2', '01a22e56-bc9b-7478-8445-e2449175ece2', '01a22e56-bbbd-7779-aca8-abb4962515f4', 11000, false, 'live', 2),
	('01a22e56-bd9a-724b-af3b-a209f3e63791', '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', '01a22e56-bb4e-70bb-9018-5b4ff7994598', 10000, false, 'live', 7),
	('01a22e56-bdb4-712d-b06c-615dc9ce9207', '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', '01a22e56-bbbd-7779-aca8-abb4962515f4', 11000, false, 'live', 7),
	('01a22e56-bdbb-7429-ad51-9570cab00d74', '01a22e56-bcdc-73fa-af88-d9bbd78e1913', '01a22e56-bb4e-70bb-9018-5b4ff7994598', 10000, false, 'live', 3),
	('01a22e56-bdc2-700b-a339-6e7f56281413', '01a22e56-bcdc-73fa-af88-d9bbd78e1913', '01a22e56-bbbd-7779-aca8-abb4962515f4', 11000, false, 'live', 3);
INSERT INTO public.command_outcomes VALUES
	('01a22e56-b9c7-77fd-8354-24699ddade40', 'create_user', '01a22e56-b9c7-77fd-8354-24699ddade40', -5528209770863036295, 0, 1, 1796073765674, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379c0a5666163747390'),
	('01a22e56-bb4e-70bb-9018-5b4ff7994598', 'create_user', '01a22e56-bb4e-70bb-9018-5b4ff7994598', -8413856644964948293, 0, 2, 1796073765813, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379c0a5666163747390'),
	('01a22e56-bbbd-7779-aca8-abb4962515f4', 'create_user', '01a22e56-bbbd-7779-aca8-abb4962515f4', -6415432290551849159, 4, 1, 1796073766018, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379c0a5666163747390'),
	('01a22e56-bc9b-7478-8445-e2449175ece2', 'create_auction', '01a22e56-bc9b-7478-8445-e2449175ece2', 5997204121760285492, 2, 1, 1796073766043, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379a3555344a5666163747390'),
	('01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 'create_auction', '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', -381862163066171842, 7, 1, 1796073766086, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379a3555344a5666163747390'),
	('01a22e56-bcdc-73fa-af88-d9bbd78e1913', 'create_auction', '01a22e56-bcdc-73fa-af88-d9bbd78e1913', 7368417607038008422, 3, 1, 1796073766145, '\x81a8616363657074656483a776657273696f6e01a863757272656e6379a3555344a5666163747390'),
	('01a22e56-bd65-74be-acc3-ee701e16e34c', 'place_bid', '01a22e56-bc9b-7478-8445-e2449175ece2', 6862132573155314059, 2, 2, 1796073766257, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd271082a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2710'),
	('01a22e56-bd82-73ee-b5ee-c75c08a73af2', 'place_bid', '01a22e56-bc9b-7478-8445-e2449175ece2', 3863242963466197379, 2, 3, 1796073766278, '\x81a8616363657074656483a776657273696f6e03a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd2af882a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2af8'),
	('01a22e56-bd9a-724b-af3b-a209f3e63791', 'place_bid', '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 6862132573155314059, 7, 2, 1796073766301, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd271082a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2710'),
	('01a22e56-bdb4-712d-b06c-615dc9ce9207', 'place_bid', '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 3863242963466197379, 7, 3, 1796073766325, '\x81a8616363657074656483a776657273696f6e03a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd2af882a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2af8'),
	('01a22e56-bdbb-7429-ad51-9570cab00d74', 'place_bid', '01a22e56-bcdc-73fa-af88-d9bbd78e1913', 6862132573155314059, 3, 2, 1796073766332, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd271082a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2710'),
	('01a22e56-bdc2-700b-a339-6e7f56281413', 'place_bid', '01a22e56-bcdc-73fa-af88-d9bbd78e1913', 3863242963466197379, 3, 3, 1796073766338, '\x81a8616363657074656483a776657273696f6e03a863757272656e6379a3555344a566616374739482a46e616d65a6616d6f756e74a576616c756581a6616d6f756e74cd2af882a46e616d65a472616e6ba576616c756581a5636f756e740182a46e616d65a56c65616473a576616c756581a4666c6167c382a46e616d65a768696768657374a576616c756581a6616d6f756e74cd2af8'),
	('01a22e56-bdc5-76f1-bdae-c744fe049e66', 'change_subscriptions', '01a22e56-bbbd-7779-aca8-abb4962515f4', 3921096639201672141, 4, 2, 1796073766341, '\x81a8616363657074656483a776657273696f6e02a863757272656e6379c0a5666163747390'),
	('01a22e56-bdc9-7506-9009-eb204b15276d', 'end_auction', '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', -2039914840885289964, 7, 4, 1796073766345, '\x81a8616363657074656483a776657273696f6e04a863757272656e6379a3555344a5666163747390'),
	('01a22e56-bdcd-76b6-8f4f-61f5c4131c44', 'cancel_auction', '01a22e56-bcdc-73fa-af88-d9bbd78e1913', -2039914840885289964, 3, 4, 1796073766349, '\x81a8616363657074656483a776657273696f6e04a863757272656e6379a3555344a5666163747390'),
	('ffe8da25-6026-491e-b367-5ccac0a42688', 'raffle', '01a22e56-bc9b-7478-8445-e2449175ece2', 0, 2, 3, 1796073766353, '\x81a66661696c656482a6726561736f6eaa756e7265616461626c65a56572726f72b5756e6b6e6f776e206b696e642060726166666c6560'),
	('6794fae8-952e-50b8-ac9b-660bebec26f2', 'reveal_seed', '01a22e56-bcdc-73fa-af88-d9bbd78e1913', 0, 3, 5, 1796073766402, '\x81a8616363657074656483a776657273696f6e05a863757272656e6379a3555344a5666163747390'),
	('ed49da1b-53a7-56a1-9649-fd6df04a7d19', 'close_auction', '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 0, 7, 5, 1796073766403, '\x81a8616363657074656483a776657273696f6e05a863757272656e6379a3555344a566616374739282a46e616d65a4736f6c64a576616c756581a4666c6167c382a46e616d65a57072696365a576616c756581a6616d6f756e74cd2af8'),
	('01fcdd16-b3f4-5ce2-b88b-6318ae68414f', 'reveal_seed', '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 0, 7, 6, 1796073766502, '\x81a8616363657074656483a776657273696f6e06a863757272656e6379a3555344a5666163747390');
INSERT INTO public.events VALUES
	(0, 1, '01a22e56-b9c7-77fd-8354-24699ddade40', 1, 'user_created', 1, 1796073765674, '01a22e56-b9c7-77fd-8354-24699ddade40', NULL, '\x80'),
	(0, 2, '01a22e56-bb4e-70bb-9018-5b4ff7994598', 1, 'user_created', 1, 1796073765813, '01a22e56-bb4e-70bb-9018-5b4ff7994598', NULL, '\x80'),
	(4, 1, '01a22e56-bbbd-7779-aca8-abb4962515f4', 1, 'user_created', 1, 1796073766018, '01a22e56-bbbd-7779-aca8-abb4962515f4', NULL, '\x80'),
	(2, 1, '01a22e56-bc9b-7478-8445-e2449175ece2', 1, 'auction_created', 1, 1796073766043, '01a22e56-bc9b-7478-8445-e2449175ece2', '01a22e56-b9c7-77fd-8354-24699ddade40', '\x8ba57469746c65a44f70656eab6465736372697074696f6ea0a863757272656e6379a3555344ab6f70656e696e675f626964cd26aca772657365727665c0a97374617274735f6174cf000001a22e56bc9ba7656e64735f6174cf000003b3d512ac00a673656c6c6572d92430316132326535362d623963372d373766642d383335342d323436393964646164653430aa736f66745f636c6f7365c0b272657472616374696f6e5f6c6f636b5f6d7300a970726f6d6f74696f6e82a865766572795f6d73ce000927c0aa636f6d6d69746d656e74d94034653661643964636166613134343433383034616434663633353534323532393133623063663037616635613362373630373134366666306139666465333238'),
	(7, 1, '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 1, 'auction_created', 1, 1796073766086, '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', '01a22e56-b9c7-77fd-8354-24699ddade40', '\x8ba57469746c65a5456e646564ab6465736372697074696f6ea0a863757272656e6379a3555344ab6f70656e696e675f626964cd26aca772657365727665cd2710a97374617274735f6174cf000001a22e56bcc6a7656e64735f6174cf000003b3d512ac00a673656c6c6572d92430316132326535362d623963372d373766642d383335342d323436393964646164653430aa736f66745f636c6f7365c0b272657472616374696f6e5f6c6f636b5f6d7300a970726f6d6f74696f6e82a865766572795f6d73ce000927c0aa636f6d6d69746d656e74d94064643865343862343431303733653331626163373231393536653761653266356261313562343637626237353637333066656134373731323436393635623337'),
	(3, 1, '01a22e56-bcdc-73fa-af88-d9bbd78e1913', 1, 'auction_created', 1, 1796073766145, '01a22e56-bcdc-73fa-af88-d9bbd78e1913', '01a22e56-b9c7-77fd-8354-24699ddade40', '\x8ba57469746c65a943616e63656c6c6564ab6465736372697074696f6ea0a863757272656e6379a3555344ab6f70656e696e675f626964cd26aca772657365727665c0a97374617274735f6174cf000001a22e56bd01a7656e64735f6174cf000003b3d512ac00a673656c6c6572d92430316132326535362d623963372d373766642d383335342d323436393964646164653430aa736f66745f636c6f7365c0b272657472616374696f6e5f6c6f636b5f6d7300a970726f6d6f74696f6e82a865766572795f6d73ce000927c0aa636f6d6d69746d656e74d94030663133396437373365303562333436363163356363386162363339616362633738653161363834656138366164613861633932303234666666303564396537'),
	(2, 2, '01a22e56-bc9b-7478-8445-e2449175ece2', 2, 'bid_placed', 1, 1796073766257, '01a22e56-bd65-74be-acc3-ee701e16e34c', '01a22e56-bb4e-70bb-9018-5b4ff7994598', '\x83a3626964d92430316132326535362d626436352d373462652d616363332d656537303165313665333463a6626964646572d92430316132326535362d626234652d373062622d393031382d356234666637393934353938a6616d6f756e74cd2710'),
	(2, 3, '01a22e56-bc9b-7478-8445-e2449175ece2', 3, 'bid_placed', 1, 1796073766278, '01a22e56-bd82-73ee-b5ee-c75c08a73af2', '01a22e56-bbbd-7779-aca8-abb4962515f4', '\x83a3626964d92430316132326535362d626438322d373365652d623565652d633735633038613733616632a6626964646572d92430316132326535362d626262642d373737392d616361382d616262343936323531356634a6616d6f756e74cd2af8'),
	(7, 2, '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 2, 'bid_placed', 1, 1796073766301, '01a22e56-bd9a-724b-af3b-a209f3e63791', '01a22e56-bb4e-70bb-9018-5b4ff7994598', '\x83a3626964d92430316132326535362d626439612d373234622d616633622d613230396633653633373931a6626964646572d92430316132326535362d626234652d373062622d393031382d356234666637393934353938a6616d6f756e74cd2710'),
	(7, 3, '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 3, 'bid_placed', 1, 1796073766325, '01a22e56-bdb4-712d-b06c-615dc9ce9207', '01a22e56-bbbd-7779-aca8-abb4962515f4', '\x83a3626964d92430316132326535362d626462342d373132642d623036632d363135646339636539323037a6626964646572d92430316132326535362d626262642d373737392d616361382d616262343936323531356634a6616d6f756e74cd2af8'),
	(3, 2, '01a22e56-bcdc-73fa-af88-d9bbd78e1913', 2, 'bid_placed', 1, 1796073766332, '01a22e56-bdbb-7429-ad51-9570cab00d74', '01a22e56-bb4e-70bb-9018-5b4ff7994598', '\x83a3626964d92430316132326535362d626462622d373432392d616435312d393537306361623030643734a6626964646572d92430316132326535362d626234652d373062622d393031382d356234666637393934353938a6616d6f756e74cd2710'),
	(3, 3, '01a22e56-bcdc-73fa-af88-d9bbd78e1913', 3, 'bid_placed', 1, 1796073766338, '01a22e56-bdc2-700b-a339-6e7f56281413', '01a22e56-bbbd-7779-aca8-abb4962515f4', '\x83a3626964d92430316132326535362d626463322d373030622d613333392d366537663536323831343133a6626964646572d92430316132326535362d626262642d373737392d616361382d616262343936323531356634a6616d6f756e74cd2af8'),
	(4, 2, '01a22e56-bbbd-7779-aca8-abb4962515f4', 2, 'subscriptions_changed', 2, 1796073766341, '01a22e56-bdc5-76f1-bdae-c744fe049e66', '01a22e56-bbbd-7779-aca8-abb4962515f4', '\x81ab686967686573745f626964c2'),
	(7, 4, '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 4, 'auction_ended', 2, 1796073766345, '01a22e56-bdc9-7506-9009-eb204b15276d', NULL, '\x82a7656e64735f6174cf000001a22e56bdc9a26279d92d6f70657261746f723a30316132326535362d623963372d373766642d383335342d323436393964646164653430'),
	(3, 4, '01a22e56-bcdc-73fa-af88-d9bbd78e1913', 4, 'auction_cancelled', 2, 1796073766349, '01a22e56-bdcd-76b6-8f4f-61f5c4131c44', '01a22e56-b9c7-77fd-8354-24699ddade40', '\x81a26279d92430316132326535362d623963372d373766642d383335342d323436393964646164653430'),
	(3, 5, '01a22e56-bcdc-73fa-af88-d9bbd78e1913', 5, 'seed_revealed', 1, 1796073766402, '6794fae8-952e-50b8-ac9b-660bebec26f2', NULL, '\x81a473656564d94034653534326661663931373464353262346662313731343832633533613634383231333230363936633539373530356266343236353332613839636337333830'),
	(7, 5, '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 5, 'winner_announced', 1, 1796073766403, 'ed49da1b-53a7-56a1-9649-fd6df04a7d19', NULL, '\x84a3626964d92430316132326535362d626462342d373132642d623036632d363135646339636539323037a6626964646572d92430316132326535362d626262642d373737392d616361382d616262343936323531356634a470617973cd2af8a9656666656374697665cd2af8'),
	(7, 6, '01a22e56-bcc6-73c9-a5b9-70f1b9b3487f', 6, 'seed_revealed', 1, 1796073766502, '01fcdd16-b3f4-5ce2-b88b-6318ae68414f', NULL, '\x81a473656564d94030326438333232653230316132646130663635336333623432653966326562323332636664653535336637353363343866343563336464613836663266343832');
INSERT INTO public.inbox_placements VALUES
	(7, 0, '{}'),
	(3, 0, '{}'),
	(6, 0, '{}'),
	(5, 0, '{}'),
	(1, 0, '{}'),
	(2, 0, '{}'),
	(0, 2, '{0,0,1,0,0,0,0,1}'),
	(4, 2, '{0,0,0,1,0,0,0,2}');
INSERT INTO public.inboxes VALUES
	('01a22e56-bb4e-70bb-9018-5b4ff7994598', 2, 0, 0),
	('01a22e56-bbbd-7779-aca8-abb4962515f4', 2, 0, 4);
INSERT INTO public.migration_compatibility VALUES
	(21, 21);
INSERT INTO public.notifications VALUES
	('01a22e56-bb4e-70bb-9018-5b4ff7994598', 1, '8f12868d-bbdb-51f3-a972-dd1621d81d25', '\x7b226174223a22323032362d31312d33305432313a32323a34362e3237385a222c2261756374696f6e223a2230316132326535362d626339622d373437382d383434352d653234343931373565636532222c227469746c65223a224f70656e222c2276657273696f6e223a332c226b696e64223a22686967686573745f626964222c227374616e64696e67223a226f7574626964222c2268696768657374223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22656e64735f6174223a22323039392d30312d30315430303a30303a30302e3030305a227d', 0),
	('01a22e56-bbbd-7779-aca8-abb4962515f4', 1, '60204c2b-49fd-59b3-b69b-aa557f6596b7', '\x7b226174223a22323032362d31312d33305432313a32323a34362e3430335a222c2261756374696f6e223a2230316132326535362d626363362d373363392d613562392d373066316239623334383766222c227469746c65223a22456e646564222c2276657273696f6e223a352c226b696e64223a2261756374696f6e5f776f6e222c22626964223a2230316132326535362d626462342d373132642d623036632d363135646339636539323037222c227072696365223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22636f756e74735f666f72223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d7d', 4),
	('01a22e56-bb4e-70bb-9018-5b4ff7994598', 2, '39d6425d-943c-56cc-afe5-b40d78536165', '\x7b226174223a22323032362d31312d33305432313a32323a34362e3332355a222c2261756374696f6e223a2230316132326535362d626363362d373363392d613562392d373066316239623334383766222c227469746c65223a22456e646564222c2276657273696f6e223a362c226b696e64223a22686967686573745f626964222c227374616e64696e67223a226f7574626964222c2268696768657374223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22656e64735f6174223a22323032362d31312d33305432313a32323a34362e3334355a227d', 0),
	('01a22e56-bbbd-7779-aca8-abb4962515f4', 2, '9089b46d-2de1-5bf8-96b7-f963a312afb7', '\x7b226174223a22323032362d31312d33305432313a32323a34362e3334395a222c2261756374696f6e223a2230316132326535362d626364632d373366612d616638382d643962626437386531393133222c227469746c65223a2243616e63656c6c6564222c2276657273696f6e223a342c226b696e64223a2261756374696f6e5f63616e63656c6c6564222c22626964223a2230316132326535362d626463322d373030622d613333392d366537663536323831343133222c22616d6f756e74223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d2c22636f756e74735f666f72223a7b22616d6f756e74223a31313030302c2263757272656e6379223a22555344227d7d', 4);
INSERT INTO public.notifier_checkpoints VALUES
	(5, 0, 0),
	(6, 0, 0),
	(1, 0, 0),
	(0, 2, 0),
	(4, 2, 0),
	(2, 3, 1),
	(7, 6, 2),
	(3, 5, 1);
INSERT INTO public.partitions VALUES
	(1, 0),
	(5, 0),
	(6, 0),
	(0, 2),
	(4, 2),
	(2, 3),
	(3, 5),
	(7, 6);
INSERT INTO public.refinery_schema_history VALUES
	(1, 'events', '2026-11-30T21:22:44.699614978Z', '8158937673611987856'),
	(2, 'people_and_auctions', '2026-11-30T21:22:44.724879864Z', '13874389414216808472'),
	(3, 'snapshots', '2026-11-30T21:22:44.808606728Z', '3527853054771172956'),
	(4, 'what_follows_from_deletions', '2026-11-30T21:22:44.834537985Z', '16510520399616713328'),
	(5, 'parked_events', '2026-11-30T21:22:44.845130542Z', '9009880318954963446'),
	(6, 'notifier', '2026-11-30T21:22:44.850375102Z', '13201283589004728270'),
	(7, 'seeds_to_reveal', '2026-11-30T21:22:44.862096864Z', '8479346942618948750'),
	(8, 'outcomes_without_index_by_time', '2026-11-30T21:22:44.865888344Z', '3647930392693071812'),
	(9, 'accounts', '2026-11-30T21:22:44.867198588Z', '11806856946295686047'),
	(10, 'webhooks', '2026-11-30T21:22:44.896859862Z', '12685619684882576755'),
	(12, 'append_batch', '2026-11-30T21:22:44.912865643Z', '14672420173315700164'),
	(13, 'plain_names', '2026-11-30T21:22:44.916347929Z', '9700374328784014397'),
	(14, 'notification_kinds', '2026-11-30T21:22:44.919959189Z', '2492295563829185889'),
	(15, 'append_rows', '2026-11-30T21:22:44.924795497Z', '15681023190675777498'),
	(16, 'bars', '2026-11-30T21:22:44.928790793Z', '8650588667647081250'),
	(17, 'partition_of_keys', '2026-11-30T21:22:44.939985543Z', '12720344818235670634'),
	(18, 'partition_of_rows', '2026-11-30T21:22:44.950712652Z', '4805562292585650545'),
	(19, 'partition_of_inboxes', '2026-11-30T21:22:44.971129814Z', '561375058157604784'),
	(20, 'outgoing_notifications', '2026-11-30T21:22:45.00493682Z', '3811194605105905138'),
	(21, 'migration_compatibility', '2026-11-30T21:22:45.012865529Z', '6186888772075876841');
INSERT INTO public.secrets VALUES
	('command_handles', '\x9ccc122eed34414b984c302758eb1d8edb22e4b4fef34a628b5019d520147507'),
	('draws', '\x4e01a7077e6f412382caf552525984e25c029451c85342828d6c1d64d892c0e7'),
	('webhooks', '\xd93b2ff00f06469c9bf136eb63d6e64bec9bf640ca5d4327ab312e2b8952819e'),
	('portal_id', '\xe2d17ff8dea7422cabb4cf98b5585d2a');
INSERT INTO public.subscriptions VALUES
	('01a22e56-bbbd-7779-aca8-abb4962515f4', '{highest_bid}', 4);
INSERT INTO public.users VALUES
	('01a22e56-b9c7-77fd-8354-24699ddade40', 1796073765674, NULL, 0),
	('01a22e56-bb4e-70bb-9018-5b4ff7994598', 1796073765813, NULL, 0),
	('01a22e56-bbbd-7779-aca8-abb4962515f4', 1796073766018, NULL, 4);
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
