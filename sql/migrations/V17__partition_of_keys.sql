-- The partition is the first column of every key of events, outcomes and snapshots. Programs of an earlier version
-- cannot use the database after this migration. Each of the migrations 17 to 19 is one transaction: an interrupted
-- upgrade continues with the next one.

-- Defines partition_of for a number of partitions: the low 64 bits of the id, without a sign, modulo that number.
-- `PartitionCount::of` in lib/wire/src/partition.rs is the same function.
CREATE FUNCTION define_partition_of(count integer) RETURNS void LANGUAGE plpgsql AS $define$
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
$define$;
-- A new database gets its partitions, and this definition again, after the migrations.
SELECT define_partition_of(greatest(count(*), 1)::integer) FROM partitions;

ALTER TABLE events
    DROP CONSTRAINT events_aggregate_version_key,
    ADD CONSTRAINT events_aggregate_version_key UNIQUE (partition, aggregate, version);

ALTER TABLE command_outcomes
    DROP CONSTRAINT command_outcomes_pkey,
    ADD CONSTRAINT command_outcomes_pkey PRIMARY KEY (partition, command_id);

-- Snapshots are a cache.
TRUNCATE snapshots;
ALTER TABLE snapshots
    ADD COLUMN partition smallint NOT NULL,
    DROP CONSTRAINT snapshots_pkey,
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (partition, aggregate);
