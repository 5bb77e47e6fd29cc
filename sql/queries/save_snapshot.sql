-- save_snapshot: stores a snapshot; replaces an older one and one of another format
INSERT INTO snapshots AS old (partition, aggregate, version, position, format, body)
VALUES (partition_of($1), $1, $2, $3, $4, $5)
ON CONFLICT (partition, aggregate) DO UPDATE
SET version = excluded.version, position = excluded.position, format = excluded.format, body = excluded.body
WHERE old.version < excluded.version OR old.format <> excluded.format
