-- find_tokens: identities of the valid tokens among some session tokens and API keys
-- $1 hashes, $2 now
SELECT s.token_hash, s.user_id, a.role, s.expires_at, NULL::integer AS per_second
FROM sessions s JOIN accounts a USING (user_id) 
    JOIN users u ON u.partition = partition_of(s.user_id) AND u.id = s.user_id
WHERE s.token_hash = ANY ($1) AND s.expires_at > $2 AND u.deleted_at IS NULL
UNION ALL
SELECT key_hash, NULL, role, coalesce(expires_at, 9223372036854775807), per_second
FROM api_keys
WHERE key_hash = ANY ($1) AND revoked_at IS NULL AND coalesce(expires_at, 9223372036854775807) > $2
