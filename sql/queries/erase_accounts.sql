-- erase_accounts: deletes the accounts of users; their sessions are deleted with them
DELETE FROM accounts WHERE user_id = ANY ($1) RETURNING user_id
