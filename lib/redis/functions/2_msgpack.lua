-- MessagePack. A decoded value is a string, which is its JSON; or a list of values; or a map, which
-- alternates names (as JSON) and values; or a table with `inside`, the value in a `bin` that is MessagePack
-- itself.

-- Maximum nesting of values. The portal's own values are nested less deeply.
local MAX_DEPTH = 64

local read_value

-- An unsigned integer of 1, 2 or 4 bytes.
local function unsigned(bytes, at, size)
  if at + size - 1 > #bytes then error('unexpected end after ' .. #bytes .. ' bytes', 0) end
  local number = 0
  for _, byte in ipairs({ bytes:byte(at, at + size - 1) }) do number = number * 256 + byte end
  return number
end

local function taken(bytes, at, size)
  if at + size - 1 > #bytes then error('unexpected end after ' .. #bytes .. ' bytes', 0) end
  return bytes:sub(at, at + size - 1), at + size
end

local function read_str(bytes, at, size)
  local text, after = taken(bytes, at, size)
  return to_json(text), after
end

-- A `bin` that is a complete MessagePack map, as the results in replies are, is decoded too.
local function read_bin(bytes, at, size, work, depth)
  local inside, after = taken(bytes, at, size)
  local first = inside:byte()
  if first and ((first >= 0x80 and first <= 0x8f) or first == 0xde or first == 0xdf) then
    local ok, value, ends = pcall(read_value, inside, 1, work, depth + 1)
    if ok and ends == #inside + 1 then return { inside = value }, after end
  end
  return '{' .. hex_member('bin', inside) .. '}', after
end

local function read_ext(bytes, at, size)
  local type_code = unsigned(bytes, at, 1)
  local inside, after = taken(bytes, at + 1, size)
  if type_code > 127 then type_code = type_code - 256 end
  return '{"ext":' .. type_code .. ',' .. hex_member('hex', inside) .. '}', after
end

local function read_list(bytes, at, size, work, depth)
  local list = { is_list = true }
  for n = 1, size do list[n], at = read_value(bytes, at, work, depth + 1) end
  return list, at
end

local write

-- The name of a JSON member. JSON allows strings only, so another value is written as a string of its JSON.
local function member_name(bytes, at, value)
  local first = bytes:byte(at)
  local is_str = (first >= 0xa0 and first <= 0xbf) or (first >= 0xd9 and first <= 0xdb)
  if is_str and type(value) == 'string' and value:sub(1, 1) == '"' then return value end
  local parts = {}
  write(value, parts)
  return quoted(table.concat(parts))
end

local function read_map(bytes, at, size, work, depth)
  local map = {}
  for n = 1, 2 * size, 2 do
    local name, after = read_value(bytes, at, work, depth + 1)
    map[n] = member_name(bytes, at, name)
    map[n + 1], at = read_value(bytes, after, work, depth + 1)
  end
  return map, at
end

local function read_integer(bytes, at, size, signed)
  if size == 8 then
    local high, low = unsigned(bytes, at, 4), unsigned(bytes, at + 4, 4)
    if signed and high >= 0x80000000 then
      high, low = 0xffffffff - high, 0x100000000 - low
      if low == 0x100000000 then high, low = high + 1, 0 end
      return '-' .. digits(high, low), at + 8
    end
    return digits(high, low), at + 8
  end
  local number = unsigned(bytes, at, size)
  if signed and number >= 2 ^ (8 * size - 1) then number = number - 2 ^ (8 * size) end
  return string.format('%.0f', number), at + size
end

local function read_float(bytes, at, format, size, least)
  local inside, after = taken(bytes, at, size)
  local function same(number) return struct.pack(format, number) == inside end
  return float_to_json(struct.unpack(format, inside), least, same), after
end

-- Values by their first byte: constants, and values with a size.
local SIMPLE = { [0xc0] = 'null', [0xc2] = 'false', [0xc3] = 'true' }
local SIZED = {
  [0xc4] = { read_bin, 1 }, [0xc5] = { read_bin, 2 }, [0xc6] = { read_bin, 4 },
  [0xc7] = { read_ext, 1 }, [0xc8] = { read_ext, 2 }, [0xc9] = { read_ext, 4 },
  [0xd9] = { read_str, 1 }, [0xda] = { read_str, 2 }, [0xdb] = { read_str, 4 },
  [0xdc] = { read_list, 2 }, [0xdd] = { read_list, 4 },
  [0xde] = { read_map, 2 }, [0xdf] = { read_map, 4 },
}

-- Decodes the value at `at`. Returns the value and the offset after it; raises an error text if it is
-- invalid.
read_value = function(bytes, at, work, depth)
  work.values = work.values - 1
  if work.values < 0 then error(work.too_many, 0) end
  if depth > MAX_DEPTH then error('nested deeper than ' .. MAX_DEPTH .. ' levels', 0) end
  local first = unsigned(bytes, at, 1)
  at = at + 1
  if first <= 0x7f then return tostring(first), at end
  if first <= 0x8f then return read_map(bytes, at, first - 0x80, work, depth) end
  if first <= 0x9f then return read_list(bytes, at, first - 0x90, work, depth) end
  if first <= 0xbf then return read_str(bytes, at, first - 0xa0) end
  if first >= 0xe0 then return tostring(first - 256), at end
  if SIMPLE[first] then return SIMPLE[first], at end
  local sized = SIZED[first]
  if sized then
    return sized[1](bytes, at + sized[2], unsigned(bytes, at, sized[2]), work, depth)
  end
  if first == 0xca then return read_float(bytes, at, '>f', 4, 6) end
  if first == 0xcb then return read_float(bytes, at, '>d', 8, 15) end
  if first >= 0xcc and first <= 0xcf then return read_integer(bytes, at, 2 ^ (first - 0xcc), false) end
  if first >= 0xd0 and first <= 0xd3 then return read_integer(bytes, at, 2 ^ (first - 0xd0), true) end
  if first >= 0xd4 and first <= 0xd8 then return read_ext(bytes, at, 2 ^ (first - 0xd4)) end
  error(string.format('byte %d is %02x, which is no MessagePack type', at - 2, first), 0)
end

-- Appends the JSON of a value to `parts`.
write = function(value, parts)
  if type(value) == 'string' then
    parts[#parts + 1] = value
  elseif value.inside then
    parts[#parts + 1] = '{"msgpack":'
    write(value.inside, parts)
    parts[#parts + 1] = '}'
  elseif value.is_list then
    for n, member in ipairs(value) do
      parts[#parts + 1] = n == 1 and '[' or ','
      write(member, parts)
    end
    parts[#parts + 1] = value[1] and ']' or '[]'
  else
    for n = 1, #value, 2 do
      parts[#parts + 1] = (n == 1 and '{' or ',') .. value[n] .. ':'
      write(value[n + 1], parts)
    end
    parts[#parts + 1] = value[1] and '}' or '{}'
  end
end

-- Decodes a body. Returns nil, an error text, and the value decoded so far if it is not exactly one value.
local function read_body(bytes, work)
  local ok, value, ends = pcall(read_value, bytes, 1, work, 1)
  if not ok then return nil, value end
  if ends <= #bytes then return nil, (#bytes - ends + 1) .. ' bytes after the end of the value', value end
  return value
end

-- Whether a value contains `wanted` at the end of a path of member names. Descends into lists and into values
-- inside of a `bin`.
local function holds(value, path, step, wanted)
  if type(value) == 'string' then
    return not path[step] and (value == wanted or value == quoted(wanted))
  end
  if value.inside then return holds(value.inside, path, step, wanted) end
  if value.is_list then
    for _, member in ipairs(value) do
      if holds(member, path, step, wanted) then return true end
    end
    return false
  end
  for n = 1, #value, 2 do
    if value[n] == path[step] and holds(value[n + 1], path, step + 1, wanted) then return true end
  end
  return false
end

