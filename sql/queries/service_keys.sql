-- service_keys: for operators
SELECT name, role, per_second, created_at, expires_at, revoked_at FROM service_keys ORDER BY created_at, name
