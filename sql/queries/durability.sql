-- durability: the settings of this session by which Postgres can lose what it acknowledged, and whence they are
SELECT name, setting, source, current_database()::text, session_user::text
FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
