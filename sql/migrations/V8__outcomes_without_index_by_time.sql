-- Old outcomes are found by going through the pages of the table (sql/queries/delete_outcomes.sql): BRIN keeps
-- the least value that a page ever held, so once pages are used again it leads to all of them.
DROP INDEX commands_by_time;
