-- find_account: for operators
SELECT user_id, email, name, role, created_at FROM accounts WHERE lower(email) = lower($1)
