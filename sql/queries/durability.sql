-- durability: settings of this session that decide whether acknowledged commits survive a crash, with their
-- sources, and whether the session can write
SELECT name, setting, source, current_database()::text, session_user::text
FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names',
                                       'transaction_read_only')
UNION ALL
SELECT 'standby', CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END, 'server', current_database()::text,
       session_user::text
