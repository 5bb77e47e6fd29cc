-- delete_outcomes: deletes expired outcomes in some pages of the table; returns their number and the table's
-- pages
-- $1 received before, $2 retention in ms, $3 first page, $4 number of pages (bigint)
-- The duration of a step depends on its pages only, not on the rows deleted earlier. A B-tree index by time
-- would lead through all dead entries again; BRIN keeps the old minimum of a page that is reused.
WITH deleted AS (
    DELETE FROM command_outcomes
    WHERE ctid >= format('(%s,0)', $3::bigint)::tid AND ctid < format('(%s,0)', $3::bigint + $4::bigint)::tid
      -- Checks the clock that stamped the command and this server's clock: a clock that jumps ahead deletes
      -- nothing early.
      AND at < least($1::bigint, (extract(epoch FROM statement_timestamp()) * 1000)::bigint - $2::bigint)
    RETURNING 1
)
SELECT count(*), pg_relation_size('command_outcomes') / current_setting('block_size')::bigint FROM deleted
