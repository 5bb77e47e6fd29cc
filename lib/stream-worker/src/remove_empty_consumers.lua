-- Removes consumers of a group that have no pending entries, and returns how many it removed.
-- KEYS[1]: stream. ARGV: group, consumer to keep, minimum idle time in ms, [the only consumer to remove]
local removed = 0
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local name, pending, idle = consumer[2], consumer[4], consumer[6]
  local selected = name ~= ARGV[2] and idle > tonumber(ARGV[3])
  if ARGV[4] then selected = name == ARGV[4] end
  if selected and pending == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], name)
    removed = removed + 1
  end
end
return removed
