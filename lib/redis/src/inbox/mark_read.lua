-- Raises the read position of an inbox, if it is cached. Never lowers it.
-- KEYS: the inbox. ARGV: sequence number of the newest read notification
if redis.call('EXISTS', KEYS[1]) == 1 then
    local read_up_to = tonumber(redis.call('HGET', KEYS[1], 'read_up_to') or '0')
    redis.call('HSET', KEYS[1], 'read_up_to', math.max(read_up_to, tonumber(ARGV[1])))
end
