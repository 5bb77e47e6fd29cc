-- grant_role: sets the role of an account
UPDATE accounts SET role = $2 WHERE user_id = $1 RETURNING 1
