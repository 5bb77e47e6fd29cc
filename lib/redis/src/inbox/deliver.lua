-- Adds a notification to each of these copies, so far as there is one.
-- KEYS: a copy for each notification; ARGV: how many one keeps, then place and JSON of each notification
for n, inbox in ipairs(KEYS) do
    local seq, json = ARGV[2 * n], ARGV[2 * n + 1]
    local has = redis.call('HMGET', inbox, 'token', 'complete', 'first', 'last')
    if has[1] and not has[2] then
        redis.call('HSET', inbox, seq, json)
    elseif has[1] and tonumber(seq) > tonumber(has[4]) then
        redis.call('HSET', inbox, seq, json)
        advance(inbox, tonumber(has[3]), tonumber(has[4]), tonumber(ARGV[1]))
    end
end
