-- Adds notifications to cached inboxes. Skips inboxes that are not cached.
-- KEYS: the inbox of each notification. ARGV: size of an inbox, then sequence number and JSON of each
-- notification
for n, inbox in ipairs(KEYS) do
    local seq, json = ARGV[2 * n], ARGV[2 * n + 1]
    local cached = redis.call('HMGET', inbox, 'token', 'complete', 'first', 'last')
    if cached[1] and not cached[2] then
        redis.call('HSET', inbox, seq, json)
    elseif cached[1] and tonumber(seq) > tonumber(cached[4]) then
        redis.call('HSET', inbox, seq, json)
        advance(inbox, tonumber(cached[3]), tonumber(cached[4]), tonumber(ARGV[1]))
    end
end
