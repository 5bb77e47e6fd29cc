-- Takes requests from all rate limits, or from none if one of them has too few left (GCRA). The value of a
-- rate limit is the time at which its whole burst is available again.
-- KEYS: rate limits. ARGV, four for each: microseconds per request, burst window in microseconds, number of
-- requests that are required, number that is desired.
-- Returns whether all had enough; then for each the number of requests taken, and the used part of the burst
-- window.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local passed, used, taken = 1, {}, {}
for i, key in ipairs(KEYS) do
    local interval, window = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
    local required, desired = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
    -- More than the burst window is never used: the clock was ahead when a later time was written.
    used[i] = math.min(math.max(tonumber(redis.call('GET', key) or 0) - now, 0), window)
    taken[i] = used[i] + interval * desired <= window and desired or required
    if used[i] + interval * taken[i] > window then passed = 0 end
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
