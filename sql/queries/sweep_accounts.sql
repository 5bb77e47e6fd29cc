-- sweep_accounts: a step of looking after provisional accounts, and of removing sessions that are over
-- $1 now, $2 what is from before that and has no outcome was never sent
WITH step AS (
    SELECT a.user_id, u.id IS NOT NULL AND u.deleted_at IS NULL AS is_there,
           u.deleted_at IS NOT NULL
               OR u.id IS NULL AND (a.created_at < $2 OR c.command_id IS NOT NULL) AS is_gone
    FROM accounts a
        LEFT JOIN users u ON u.id = a.user_id
        LEFT JOIN commands c ON c.command_id = a.command_id
    WHERE a.state = 'provisional' ORDER BY a.created_at LIMIT 1000
), activated AS (
    UPDATE accounts SET state = 'active' FROM step
    WHERE accounts.user_id = step.user_id AND step.is_there RETURNING 1
), removed AS (
    DELETE FROM accounts USING step WHERE accounts.user_id = step.user_id AND step.is_gone RETURNING 1
), ended AS (
    DELETE FROM sessions
    WHERE token_hash IN (SELECT token_hash FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)
    RETURNING 1
)
SELECT (SELECT count(*) FROM activated), (SELECT count(*) FROM removed), (SELECT count(*) FROM ended)
