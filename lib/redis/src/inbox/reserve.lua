-- Begins a copy, unless one was begun, and returns its token. One that may miss something begins anew.
-- KEYS: the copy, the generation of its partition; ARGV: a new token, how long the copy lives (ms)
local generation = redis.call('GET', KEYS[2]) or '0'
if redis.call('HGET', KEYS[1], 'generation') ~= generation then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'token', ARGV[1], 'generation', generation)
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('HGET', KEYS[1], 'token')
