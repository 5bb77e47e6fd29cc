-- delete_outcomes: a step through the pages of the table
-- $1 received before, $2 retention in ms, $3 first page, $4 number of pages (bigint)
-- A step is as long as its pages, however many rows were deleted before it: an index by time would lead
-- through all the dead ones again, and BRIN forgets nothing (a page that is used again keeps its old minimum).
WITH deleted AS (
    DELETE FROM commands
    WHERE ctid >= format('(%s,0)', $3::bigint)::tid AND ctid < format('(%s,0)', $3::bigint + $4::bigint)::tid
      -- By the clock that stamped the command, and by this server's: what jumps ahead deletes nothing early.
      AND at < least($1::bigint, (extract(epoch FROM statement_timestamp()) * 1000)::bigint - $2::bigint)
    RETURNING 1
)
SELECT count(*), pg_relation_size('commands') / current_setting('block_size')::bigint FROM deleted
