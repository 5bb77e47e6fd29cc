-- Deletions without a lock: each partition bars a deleted user in the order of its own commands, and an append
-- touches rows of one partition. Programs of an earlier version cannot append after this migration.

-- Progress of user deletions, in the partition of the user.
ALTER TABLE deletions ADD COLUMN partition smallint;
-- The low 64 bits of the id, without a sign, modulo the number of partitions.
UPDATE deletions SET partition = mod(
    CASE WHEN low < 0 THEN low + 18446744073709551616 ELSE low END, (SELECT greatest(count(*), 1) FROM partitions)
)
FROM (
    SELECT user_id AS id, ('x' || right(replace(user_id::text, '-', ''), 16))::bit(64)::bigint::numeric AS low
    FROM deletions
) AS ids
WHERE ids.id = user_id;
DROP INDEX deletions_unfinished;
ALTER TABLE deletions
    ALTER COLUMN partition SET NOT NULL,
    DROP CONSTRAINT deletions_user_id_key,
    DROP COLUMN seq,
    ADD PRIMARY KEY (partition, user_id);
CREATE INDEX deletions_unfinished ON deletions (retry_at, user_id) WHERE NOT finished;

-- Deleted users that a partition refuses, with the progress of removing what they have left there.
CREATE TABLE barred_users (
    partition smallint NOT NULL,
    user_id   uuid     NOT NULL,
    attempt   integer  NOT NULL DEFAULT 0,      -- how often the removing commands were sent
    retry_at  bigint   NOT NULL DEFAULT 0,      -- they are not sent again before, in milliseconds since 1970
    finished  boolean  NOT NULL DEFAULT false,  -- the user has no active bid and no open auction in the partition
    PRIMARY KEY (partition, user_id)
);
CREATE INDEX barred_users_unfinished ON barred_users (partition) WHERE NOT finished;

-- The migration V18 creates it again, with bars and partitions.
DROP FUNCTION append_batch;
