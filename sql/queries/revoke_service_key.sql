-- revoke_service_key: from now on, or from when it was
UPDATE service_keys SET revoked_at = coalesce(revoked_at, $2) WHERE name = $1 RETURNING key_hash
