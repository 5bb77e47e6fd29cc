-- Repairs a part of a command stream whose newest id is ahead of the clock. Ids of a stream only grow, so the stream
-- is copied, and the copy replaces it in the call that reaches the end: undecided commands with a right time keep
-- their id, undecided ones from the future get the current time, and decided ones are left out, since their outcomes
-- are in Postgres. Each call handles a limited number of entries, so that it does not block the server.
-- KEYS: the stream, the lease of its partition, and the copy.
-- ARGV: group of the writers; "apply", or "plan" to change nothing; id after which the part begins; maximum number of
-- entries; time in ms up to which ids are right, or "" to take it from the clock; idle time in ms below which a
-- consumer is working; "1" to ignore consumers that are never idle; time to live of a lease in ms; registered writers.
-- Returns how far the stream is ahead in ms (0: nothing to do), 0, 1 or 2 for a writer (2: the only sign is a consumer
-- that has been idle for no time), the numbers of commands that keep their id, that get a new one, and that are left
-- out, the last id of the part ("": the end is reached), and the time up to which ids are right.
local key, group, apply = KEYS[1], ARGV[1], ARGV[2] == 'apply'
local time = redis.call('TIME')
local now = tonumber(ARGV[5]) or time[1] * 1000 + math.floor(time[2] / 1000)

local function fields(list)
    local found = {}
    for i = 1, #list, 2 do found[list[i]] = list[i + 1] end
    return found
end

local function parts(id)
    local ms, seq = string.match(id, '^(%d+)-(%d+)$')
    return tonumber(ms), tonumber(seq)
end

local function is_after(id, other)
    local ms, seq = parts(id)
    local other_ms, other_seq = parts(other)
    return ms > other_ms or (ms == other_ms and seq > other_seq)
end

-- A lease that lasts longer than any lease is void, unless its holder is registered.
local function is_leased()
    local holder = redis.call('GET', KEYS[2])
    if not holder then return false end
    local left = redis.call('PTTL', KEYS[2])
    if left >= 0 and left <= tonumber(ARGV[8]) then return true end
    for i = 9, #ARGV do
        if ARGV[i] == holder then return true end
    end
    return false
end

if redis.call('EXISTS', key) == 0 then return {0, 0, 0, 0, 0, '', now} end
local last = parts(fields(redis.call('XINFO', 'STREAM', key))['last-generated-id'])
if last <= now then return {0, 0, 0, 0, 0, '', now} end

-- A writer that has received no command is no consumer yet, but it has the lease. A consumer whose last read is in
-- the future has been idle for no time, until the clock reaches that time.
local delivered, working = '0-0', is_leased() and 1 or 0
local has_group = false
for _, info in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local found = fields(info)
    if found['name'] == group then
        has_group, delivered = true, found['last-delivered-id']
        for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', key, group)) do
            local idle = fields(consumer)['idle']
            if idle == 0 then
                if working == 0 and ARGV[7] ~= '1' then working = 2 end
            elseif idle < tonumber(ARGV[6]) then
                working = 1
            end
        end
    end
end

local limit = tonumber(ARGV[4])
local entries = redis.call('XRANGE', key, '(' .. ARGV[3], '+', 'COUNT', limit)
local pending = {}
if has_group and #entries > 0 then
    for _, entry in ipairs(redis.call('XPENDING', key, group, entries[1][1], entries[#entries][1], limit)) do
        pending[entry[1]] = true
    end
end
local changes = apply and working == 0
if changes and ARGV[3] == '0-0' then
    redis.call('UNLINK', KEYS[3])
    redis.call('XGROUP', 'CREATE', KEYS[3], group, '0', 'MKSTREAM')
end
local kept, moved, left_out = 0, 0, 0
for _, entry in ipairs(entries) do
    local id = entry[1]
    if not pending[id] and not is_after(id, delivered) then
        left_out = left_out + 1
    elseif parts(id) <= now then
        kept = kept + 1
        if changes then redis.call('XADD', KEYS[3], id, unpack(entry[2])) end
    else
        moved = moved + 1
        if changes then redis.call('XADD', KEYS[3], '*', unpack(entry[2])) end
    end
end
local cursor = ''
if #entries == limit then
    cursor = entries[#entries][1]
elseif changes then
    redis.call('UNLINK', key)
    redis.call('RENAME', KEYS[3], key)
end
return {last - now, working, kept, moved, left_out, cursor, now}
