-- create_service_key: a name is given once
INSERT INTO service_keys (key_hash, name, role, per_second, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING 1
