-- Takes from all counts, or from none if one of them has no room (GCRA): a count is the time at which its room is
-- whole again. KEYS: counts. ARGV, of each: microseconds that one request takes, microseconds of room, how many are
-- needed, how many wished for. Returns whether there was room; of each how many were taken, and the room that is used.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local passed, used, taken = 1, {}, {}
for i, key in ipairs(KEYS) do
    local each, room = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
    local needs, wishes = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
    used[i] = math.max(tonumber(redis.call('GET', key) or 0) - now, 0)
    taken[i] = used[i] + each * wishes <= room and wishes or needs
    if used[i] + each * taken[i] > room then passed = 0 end
end
local reply = {passed}
for i, key in ipairs(KEYS) do
    if passed == 0 then
        taken[i] = 0
    elseif taken[i] > 0 then
        used[i] = used[i] + ARGV[4 * i - 3] * taken[i]
        redis.call('SET', key, string.format('%.0f', now + used[i]), 'PX', math.ceil(used[i] / 1000))
    end
    reply[2 * i], reply[2 * i + 1] = taken[i], used[i]
end
return reply
