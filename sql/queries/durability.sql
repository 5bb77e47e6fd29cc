-- durability: settings of this session that decide whether acknowledged commits survive a crash, and their
-- sources
SELECT name, setting, source, current_database()::text, session_user::text
FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names')
