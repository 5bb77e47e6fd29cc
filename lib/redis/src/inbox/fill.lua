-- Completes a copy with what is stored, if it is the one that this was read for.
-- KEYS: the copy; ARGV: its token, first, last, read_up_to, how many one keeps, then place and JSON of each
local has = redis.call('HMGET', KEYS[1], 'token', 'complete', 'read_up_to')
if has[1] ~= ARGV[1] or has[2] then
    return
end
for n = 6, #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[n], ARGV[n + 1])
end
local read_up_to = math.max(tonumber(ARGV[4]), tonumber(has[3] or '0'))
redis.call('HSET', KEYS[1], 'complete', 1, 'read_up_to', read_up_to)
advance(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5]))
