#!lua name=auction_portal
-- Functions for operators: display the streams of the auction portal in redis-cli (docs/how-to/inspect-streams.md). No
-- function writes. Each call is bounded, so that it does not block Redis for long. To load the library by
-- hand: cat lib/redis/functions/*.lua | redis-cli -x FUNCTION LOAD REPLACE
--
-- Code outside of a function must not use `string`, `table` or `math`: Redis 7.0 does not provide them while
-- it loads a library. The library is these files in the order of their names: JSON, MessagePack, entries,
-- functions.

-- Maximum number of bytes displayed in hex.
local MAX_HEX = 1024

local function hex(bytes)
  return (bytes:sub(1, MAX_HEX):gsub('.', function(c) return string.format('%02x', c:byte()) end))
end

-- A JSON member such as `"bin":"00ff"`, followed by the number of bytes if not all are displayed.
local function hex_member(name, bytes)
  local member = '"' .. name .. '":"' .. hex(bytes) .. '"'
  if #bytes > MAX_HEX then member = member .. ',"bytes":' .. #bytes end
  return member
end

-- The number of bytes of the character at `at`; nil or false if it is not valid UTF-8.
local function character(bytes, at)
  local a, b, c, d = bytes:byte(at, at + 3)
  local function continues(byte) return byte and byte >= 0x80 and byte <= 0xbf end
  if a >= 0xc2 and a <= 0xdf then return continues(b) and 2 end
  if not continues(b) or not continues(c) then return nil end
  -- Rejects overlong forms, UTF-16 surrogates and code points beyond Unicode.
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

-- A JSON string. Control characters are escaped, so that the text cannot send commands to a terminal.
local function quoted(text)
  local escaped = text:gsub('[%c"\\]', function(c)
    if c == '"' or c == '\\' then return '\\' .. c end
    return string.format('\\u%04x', c:byte())
  end)
  escaped = escaped:gsub('\194([\128-\159])', function(c) return string.format('\\u%04x', c:byte()) end)
  return '"' .. escaped .. '"'
end

-- Bytes as JSON: a string if they are UTF-8, else hex.
local function to_json(bytes)
  if is_utf8(bytes) then return quoted(bytes) end
  return '{' .. hex_member('hex', bytes) .. '}'
end

-- Bytes as the name of a JSON member.
local function to_member_name(bytes)
  if is_utf8(bytes) then return quoted(bytes) end
  return '"hex:' .. hex(bytes) .. '"'
end

-- The decimal digits of a 64-bit integer given as two 32-bit halves. Lua's numbers have only 53 bits.
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

-- A floating-point number in the fewest digits, at least `least`, for which `same` returns true. JSON has no
-- NaN and no infinities: they are written as objects.
local function float_to_json(number, least, same)
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

