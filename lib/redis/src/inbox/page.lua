-- A page of a copy: first, last, read_up_to, the place of its first notification, and their JSON; nothing if
-- there is no copy, or it may miss something.
-- KEYS: the copy, the generation of its partition; ARGV: the place behind which it begins, how many at most
local has = redis.call('HMGET', KEYS[1], 'generation', 'complete', 'first', 'last', 'read_up_to')
if not has[2] or has[1] ~= (redis.call('GET', KEYS[2]) or '0') then
    return false
end
local from = math.max(tonumber(ARGV[1]) + 1, tonumber(has[3]))
local page = {}
for seq = from, math.min(from + tonumber(ARGV[2]) - 1, tonumber(has[4])) do
    page[#page + 1] = redis.call('HGET', KEYS[1], seq)
end
return {has[3], has[4], has[5], string.format('%.0f', from), page}
