-- erase_accounts: all that is known of these users, and their sessions with it
DELETE FROM accounts WHERE user_id = ANY ($1) RETURNING user_id
