-- api_keys: all API keys, for operators
SELECT name, role, per_second, created_at, expires_at, revoked_at, key_hash FROM api_keys ORDER BY created_at, name
