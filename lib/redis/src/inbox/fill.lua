-- Completes a reserved inbox with stored notifications, unless it was reserved again or is complete.
-- KEYS: the inbox. ARGV: token of the reservation, first, last, read_up_to, size of an inbox, then sequence
-- number and JSON of each notification
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
