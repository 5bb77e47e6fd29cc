-- Extends the readable range over all notifications that follow without a gap, and keeps the newest `size` of
-- them.
local function advance(inbox, first, last, size)
    while redis.call('HEXISTS', inbox, last + 1) == 1 do
        last = last + 1
    end
    while last - first + 1 > size do
        redis.call('HDEL', inbox, first)
        first = first + 1
    end
    redis.call('HSET', inbox, 'first', first, 'last', last)
end
