-- lock_deletion: held alone by every append that deletes a user
SELECT pg_advisory_xact_lock($1)
