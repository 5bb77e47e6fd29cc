-- Deletes the marker if it is this process's.
-- KEYS[1] marker; ARGV: process
local marker = redis.call('GET', KEYS[1])
if marker and string.find(marker, ' ' .. ARGV[1] .. ' ', 1, true) then
  return redis.call('DEL', KEYS[1])
end
return 0
