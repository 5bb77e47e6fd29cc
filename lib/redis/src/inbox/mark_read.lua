-- Everything up to a place is read, in a copy if there is one; never less than before.
-- KEYS: the copy; ARGV: the place
if redis.call('EXISTS', KEYS[1]) == 1 then
    local read_up_to = tonumber(redis.call('HGET', KEYS[1], 'read_up_to') or '0')
    redis.call('HSET', KEYS[1], 'read_up_to', math.max(read_up_to, tonumber(ARGV[1])))
end
