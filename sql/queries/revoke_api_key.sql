-- revoke_api_key: revokes an API key; a key that is already revoked keeps its time
UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE name = $1 RETURNING key_hash
