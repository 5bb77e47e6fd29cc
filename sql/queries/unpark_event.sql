-- unpark_event: nothing waits there any more
DELETE FROM parked_events WHERE service = $1 AND key = $2 AND position = $3
