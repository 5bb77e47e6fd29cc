-- unpark_event: removes a parked event after it was handled or dropped
DELETE FROM parked_events WHERE partition = partition_of($2) AND component = $1 AND key = $2 AND position = $3
