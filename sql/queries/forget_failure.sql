-- forget_failure: the command is pending again (command, its outcome as it is stored)
DELETE FROM commands WHERE command_id = $1 AND outcome = $2
