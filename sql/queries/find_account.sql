-- find_account: the account with an e-mail address, for operators
SELECT user_id, email, name, role, created_at FROM accounts WHERE lower(email) = lower($1)
