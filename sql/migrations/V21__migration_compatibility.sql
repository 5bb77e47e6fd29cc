-- Which programs can use the database after a migration that they do not know. Every later migration adds its own row,
-- so that the row is there exactly when the migration is applied. Programs from before this table stop at any migration
-- that they do not know.
CREATE TABLE migration_compatibility (
    version integer PRIMARY KEY,
    oldest_program integer NOT NULL CHECK (oldest_program BETWEEN 1 AND version)
);
INSERT INTO migration_compatibility (version, oldest_program) VALUES (21, 21);
