-- create_api_key: stores an API key; returns no row if the name is taken
INSERT INTO api_keys (key_hash, name, role, per_second, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING 1
