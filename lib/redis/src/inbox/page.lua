-- Returns a page of a cached inbox: first, last, read_up_to, sequence number of the first notification of the
-- page, and the JSON of each. Returns nil if the inbox is not cached, or belongs to an older epoch and may
-- miss notifications.
-- KEYS: the inbox, the epoch of its partition. ARGV: sequence number before the page, maximum number of
-- notifications
local has = redis.call('HMGET', KEYS[1], 'epoch', 'complete', 'first', 'last', 'read_up_to')
if not has[2] or has[1] ~= (redis.call('GET', KEYS[2]) or '0') then
    return false
end
local from = math.max(tonumber(ARGV[1]) + 1, tonumber(has[3]))
local page = {}
for seq = from, math.min(from + tonumber(ARGV[2]) - 1, tonumber(has[4])) do
    page[#page + 1] = redis.call('HGET', KEYS[1], seq)
end
return {has[3], has[4], has[5], string.format('%.0f', from), page}
