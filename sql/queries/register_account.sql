-- register_account: a provisional account; if the address is taken, that is noted instead: something is written in
-- any case, so that it takes as long
-- $1 user, $2 e-mail, $3 name, $4 hash of the password, $5 role, $6 command, $7 now
INSERT INTO accounts (user_id, email, name, password_hash, role, state, command_id, created_at)
VALUES ($1, $2, $3, $4, $5, 'provisional', $6, $7)
ON CONFLICT (lower(email)) DO UPDATE
    SET claims = accounts.claims + CASE WHEN accounts.user_id = $1 THEN 0 ELSE 1 END
RETURNING user_id = $1
