-- register_account: stores a provisional account. If the e-mail address is taken, increments a counter of the
-- account that has it: a write in both cases, so that the duration does not reveal which addresses have
-- accounts.
-- $1 user, $2 e-mail, $3 name, $4 hash of the password, $5 role, $6 command, $7 now
INSERT INTO accounts (user_id, email, name, password_hash, role, state, command_id, created_at)
VALUES ($1, $2, $3, $4, $5, 'provisional', $6, $7)
ON CONFLICT (lower(email)) DO UPDATE
    SET duplicate_sign_ups = accounts.duplicate_sign_ups + CASE WHEN accounts.user_id = $1 THEN 0 ELSE 1 END
RETURNING user_id = $1
