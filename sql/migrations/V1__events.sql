-- The source of truth: what happened, in order, and what every command came to.

CREATE TABLE partitions (
    id   smallint PRIMARY KEY,
    head bigint NOT NULL DEFAULT 0  -- newest position; an append passes only if this is what it expects
);

CREATE TABLE events (
    partition  smallint NOT NULL,
    position   bigint   NOT NULL,   -- 1, 2, 3 … without a hole in each partition
    aggregate  uuid     NOT NULL,   -- the user or auction
    version    bigint   NOT NULL,   -- 1, 2, 3 … of that aggregate
    kind       text     NOT NULL,
    schema     smallint NOT NULL,   -- version of the body's schema
    at         bigint   NOT NULL,   -- time of the command, milliseconds since 1970
    command_id uuid     NOT NULL,
    actor      uuid,                -- the user who asked; null is the house
    body       bytea    NOT NULL,   -- MessagePack with field names
    PRIMARY KEY (partition, position),
    UNIQUE (aggregate, version)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or removed (% refused)', TG_OP;
END
$$;

CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Also for sessions that replicate or restore with session_replication_role = replica.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_not_truncated;

CREATE TABLE commands (
    command_id  uuid     PRIMARY KEY,  -- a second outcome of a command is a unique violation
    kind        text     NOT NULL,
    key         uuid     NOT NULL,
    fingerprint bigint   NOT NULL,     -- of the request's payload
    partition   smallint NOT NULL,
    position    bigint   NOT NULL,     -- the partition's newest position when it was decided
    at          bigint   NOT NULL,     -- time of the command, milliseconds since 1970
    outcome     bytea    NOT NULL      -- MessagePack with field names
);
CREATE INDEX commands_by_time ON commands USING brin (at);
