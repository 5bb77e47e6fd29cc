-- profile: personal data of a user
SELECT email, name, role, created_at FROM accounts WHERE user_id = $1
