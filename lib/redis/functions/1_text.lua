#!lua name=auction_portal
-- Functions with which people read the streams of the auction portal in redis-cli: docs/streams.md.
-- None of them writes, and each stops by itself before it holds up others for long. To load it by hand:
--   cat lib/redis/functions/*.lua | redis-cli -x FUNCTION LOAD REPLACE
--
-- Nothing outside of a function may use `string`, `table` or `math`: Redis 7.0 has none while it loads.
-- The library is these files in the order of their names: JSON, MessagePack, entries, functions.

-- At most so many bytes are shown of what cannot be shown as it is.
local MAX_HEX = 1024

local function hex(bytes)
  return (bytes:sub(1, MAX_HEX):gsub('.', function(c) return string.format('%02x', c:byte()) end))
end

-- `"bin":"00ff"`, and how many bytes there are if not all are shown.
local function hex_member(name, bytes)
  local member = '"' .. name .. '":"' .. hex(bytes) .. '"'
  if #bytes > MAX_HEX then member = member .. ',"bytes":' .. #bytes end
  return member
end

-- How many bytes the character at `at` has; nil if it is not UTF-8.
local function character(bytes, at)
  local a, b, c, d = bytes:byte(at, at + 3)
  local function continues(byte) return byte and byte >= 0x80 and byte <= 0xbf end
  if a >= 0xc2 and a <= 0xdf then return continues(b) and 2 end
  if not continues(b) or not continues(c) then return nil end
  -- Neither too long a form, nor half of a pair of UTF-16, nor beyond Unicode.
  if a == 0xe0 then return b >= 0xa0 and 3 end
  if a == 0xed then return b <= 0x9f and 3 end
  if a >= 0xe1 and a <= 0xef then return 3 end
  if not continues(d) then return nil end
  if a == 0xf0 then return b >= 0x90 and 4 end
  if a == 0xf4 then return b <= 0x8f and 4 end
  return a >= 0xf1 and a <= 0xf3 and 4
end

local function is_utf8(bytes)
  local at = bytes:find('[\128-\255]')
  while at do
    local length = character(bytes, at)
    if not length then return false end
    at = bytes:find('[\128-\255]', at + length)
  end
  return true
end

-- A text in quotes. Nothing in it can play with a terminal.
local function quoted(text)
  local escaped = text:gsub('[%c"\\]', function(c)
    if c == '"' or c == '\\' then return '\\' .. c end
    return string.format('\\u%04x', c:byte())
  end)
  escaped = escaped:gsub('\194([\128-\159])', function(c) return string.format('\\u%04x', c:byte()) end)
  return '"' .. escaped .. '"'
end

-- Bytes as JSON: a text if it is one.
local function shown(bytes)
  if is_utf8(bytes) then return quoted(bytes) end
  return '{' .. hex_member('hex', bytes) .. '}'
end

-- Bytes as the name of a member.
local function name_shown(bytes)
  if is_utf8(bytes) then return quoted(bytes) end
  return '"hex:' .. hex(bytes) .. '"'
end

-- A whole number of two halves of 32 bits, to the last digit: Lua's own numbers have 53 bits.
local function digits(high, low)
  if high < 0x200000 then return string.format('%.0f', high * 0x100000000 + low) end
  local groups = {}
  while high > 0 or low > 0 do
    local rest = (high % 1000000) * 0x100000000 + low
    high, low = math.floor(high / 1000000), math.floor(rest / 1000000)
    table.insert(groups, 1, string.format('%06.0f', rest % 1000000))
  end
  return (table.concat(groups):gsub('^0+', ''))
end

-- A fraction in the fewest digits, from `least` on, that `same` says are it. JSON has no word for the rest.
local function fraction(number, least, same)
  if number ~= number then return '{"float":"nan"}' end
  if number == 1 / 0 then return '{"float":"inf"}' end
  if number == -1 / 0 then return '{"float":"-inf"}' end
  local text
  for precision = least, 17 do
    text = string.format('%.' .. precision .. 'g', number)
    if same(tonumber(text)) then break end
  end
  return text:find('[.e]') and text or text .. '.0'
end

