-- Everything that follows without a hole can be read; an inbox keeps `most`, the newest.
local function advance(inbox, first, last, most)
    while redis.call('HEXISTS', inbox, last + 1) == 1 do
        last = last + 1
    end
    while last - first + 1 > most do
        redis.call('HDEL', inbox, first)
        first = first + 1
    end
    redis.call('HSET', inbox, 'first', first, 'last', last)
end
