-- Moves a command stream back whose newest id is ahead of the clock. Ids of a stream only grow, so the stream is
-- deleted and created again, in one step: undecided commands with a right time keep their id, undecided ones
-- from the future get the current time, and decided ones are left out, since their outcomes are in Postgres.
-- KEYS: the stream, and the lease of its partition. ARGV: group of the writers; idle time in ms below which a consumer is working; "apply", or
-- "plan" to change nothing.
-- Returns how far the stream is ahead in ms (0: nothing to do), 1 if a writer is working, and the numbers of commands
-- that keep their id, that get a new one, and that are left out.
local key, group = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

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

if redis.call('EXISTS', key) == 0 then return {0, 0, 0, 0, 0} end
local last = parts(fields(redis.call('XINFO', 'STREAM', key))['last-generated-id'])
if last <= now then return {0, 0, 0, 0, 0} end

-- A writer that has received no command is no consumer yet, but it has the lease.
local delivered, working, pending = '0-0', redis.call('EXISTS', KEYS[2]), {}
for _, info in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local found = fields(info)
    if found['name'] == group then
        delivered = found['last-delivered-id']
        for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', key, group)) do
            if fields(consumer)['idle'] < tonumber(ARGV[2]) then working = 1 end
        end
        if found['pending'] > 0 then
            for _, entry in ipairs(redis.call('XPENDING', key, group, '-', '+', found['pending'])) do
                pending[entry[1]] = true
            end
        end
    end
end

local kept, moved, left_out = {}, {}, 0
for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
    local id = entry[1]
    if not pending[id] and not is_after(id, delivered) then
        left_out = left_out + 1
    elseif parts(id) <= now then
        kept[#kept + 1] = entry
    else
        moved[#moved + 1] = entry
    end
end
if ARGV[3] == 'apply' and working == 0 then
    redis.call('DEL', key)
    redis.call('XGROUP', 'CREATE', key, group, '0', 'MKSTREAM')
    for _, entry in ipairs(kept) do redis.call('XADD', key, entry[1], unpack(entry[2])) end
    for _, entry in ipairs(moved) do redis.call('XADD', key, '*', unpack(entry[2])) end
end
return {last - now, working, #kept, #moved, left_out}
