-- Reserves a cached inbox, unless it is reserved or complete, and returns its token. Replaces an inbox of an
-- older epoch, because it may miss notifications.
-- KEYS: the inbox, the epoch of its partition. ARGV: a new token, time to live in ms
local epoch = redis.call('GET', KEYS[2]) or '0'
if redis.call('HGET', KEYS[1], 'epoch') ~= epoch then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'token', ARGV[1], 'epoch', epoch)
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('HGET', KEYS[1], 'token')
