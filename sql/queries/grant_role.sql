-- grant_role: what a user may do from now on
UPDATE accounts SET role = $2 WHERE user_id = $1 RETURNING 1
