-- request_parked_action: stores what an operator wants the component to do with a parked event
-- $1 component, $2 user or auction, $3 position, $4 'retry' or 'drop'
UPDATE parked_events SET requested_action = $4 
WHERE partition = partition_of($2) AND component = $1 AND key = $2 AND position = $3
RETURNING key
