-- Removes old entries from the front of a stream, up to the first entry that is still needed.
-- KEYS[1]: stream. ARGV: first id to keep, 'unacknowledged' or 'last', maximum number of entries to remove
-- Returns the number of removed entries, and the id of the oldest entry that a group has not acknowledged.

-- Ids are pairs of 64-bit numbers, which Lua numbers cannot hold: they are compared as decimal digits.
local function split(id) return string.match(id, '^(%d+)-(%d+)$') end
local function less(a, b)
  local a_ms, a_seq = split(a)
  local b_ms, b_seq = split(b)
  if a_ms == b_ms then a_ms, b_ms = a_seq, b_seq end
  if #a_ms ~= #b_ms then return #a_ms < #b_ms end
  return a_ms < b_ms
end
-- The smallest id after `id`; `id` itself if its sequence number has more digits than Lua can count.
local function successor(id)
  local ms, seq = split(id)
  if #seq > 15 then return id end
  return string.format('%s-%.0f', ms, tonumber(seq) + 1)
end

local stream, keep_from = KEYS[1], ARGV[1]
local last = redis.call('EXISTS', stream) == 1 and redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
if not last then return {0, false} end
local unacknowledged = false
if ARGV[2] == 'last' then
  if less(last[1], keep_from) then keep_from = last[1] end
else
  local needed = false
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local info = {}
    for at = 1, #group, 2 do info[group[at]] = group[at + 1] end
    -- Pending entries were delivered, so the lowest of them precedes everything undelivered.
    local lowest = redis.call('XPENDING', stream, info['name'])[2] or successor(info['last-delivered-id'])
    if not needed or less(lowest, needed) then needed = lowest end
  end
  -- Without a group, no entry has been acknowledged.
  if not needed then return {0, redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1][1]} end
  if less(needed, keep_from) then keep_from = needed end
  local oldest = redis.call('XRANGE', stream, needed, '+', 'COUNT', 1)[1]
  unacknowledged = oldest and oldest[1] or false
end
-- `~` removes whole nodes of the stream only: this is cheap, and a few more entries stay.
return {redis.call('XTRIM', stream, 'MINID', '~', keep_from, 'LIMIT', ARGV[3]), unacknowledged}
