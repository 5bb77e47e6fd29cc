-- sweep_accounts: activates accounts whose users were created, removes those whose users were not, and
-- removes expired sessions; at most 1000 accounts and 1000 sessions in one step
-- $1 now, $2 an older account without an outcome of its command is removed: that command was never sent
WITH step AS (
    SELECT a.user_id, u.id IS NOT NULL AND u.deleted_at IS NULL AS user_exists,
           u.deleted_at IS NOT NULL
               OR u.id IS NULL AND (a.created_at < $2 OR o.command_id IS NOT NULL) AS is_obsolete
    FROM accounts a
        LEFT JOIN users u ON u.partition = partition_of(a.user_id) AND u.id = a.user_id
        LEFT JOIN command_outcomes o ON o.partition = partition_of(a.user_id) AND o.command_id = a.command_id
    WHERE a.state = 'provisional' ORDER BY a.created_at LIMIT 1000
), activated AS (
    UPDATE accounts SET state = 'active' FROM step
    WHERE accounts.user_id = step.user_id AND step.user_exists RETURNING 1
), removed AS (
    DELETE FROM accounts USING step WHERE accounts.user_id = step.user_id AND step.is_obsolete RETURNING 1
), ended AS (
    DELETE FROM sessions
    WHERE token_hash IN (SELECT token_hash FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000)
    RETURNING 1
)
SELECT (SELECT count(*) FROM activated), (SELECT count(*) FROM removed), (SELECT count(*) FROM ended)
