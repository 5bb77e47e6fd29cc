-- delete_failed_outcome: deletes the outcome of a failed command, so that the command can be processed again
-- $1 command, $2 the outcome as it is stored; any other outcome stays; $3 partition
DELETE FROM command_outcomes WHERE partition = $3 AND command_id = $1 AND outcome = $2 RETURNING command_id
