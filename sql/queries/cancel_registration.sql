-- cancel_registration: removes a provisional account whose command could not be sent
DELETE FROM accounts
WHERE user_id = $1 AND state = 'provisional' AND NOT EXISTS (SELECT FROM users WHERE partition = partition_of($1) AND id = $1)
