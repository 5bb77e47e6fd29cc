-- ask_parked_event: what an operator wants the service to do
UPDATE parked_events SET asked = $4 WHERE service = $1 AND key = $2 AND position = $3
