-- Entries as lines of JSON, within the limits of one call.

-- Maximum output of one call. These limits keep a call below about a tenth of a second.
local MAX_LINES = 1000
local MAX_BYTES = 131072
local MAX_VALUES = 20000
local MAX_FIELDS = 5000

-- The remaining allowance of one call.
local function new_work()
  return {
    bytes = MAX_BYTES,
    values = MAX_VALUES,
    fields = MAX_FIELDS,
    lines = MAX_LINES,
    too_many = 'more than ' .. MAX_VALUES .. ' values, or than this call has left',
  }
end

local function decode_error(reason, bytes, value)
  local parts = { '{"decode_error":', quoted(reason), ',', hex_member('hex', bytes) }
  if value then
    parts[#parts + 1] = ',"value":'
    write(value, parts)
  end
  parts[#parts + 1] = '}'
  return table.concat(parts)
end

local function body_to_json(bytes, work)
  local value, reason, partial = read_body(bytes, work)
  if not value then return decode_error(reason, bytes, partial) end
  local parts = {}
  write(value, parts)
  return table.concat(parts)
end

-- The second field of the same name is displayed as `name (2)`: a JSON reader would drop the first one.
local function unique_name(name, seen)
  seen[name] = (seen[name] or 0) + 1
  if seen[name] == 1 then return name end
  return name:sub(1, -2) .. ' (' .. seen[name] .. ')"'
end

-- One entry as one JSON object, with its fields in their order.
local function entry_to_json(id, fields, work)
  local parts, seen = { '{"entry_id":"', id, '"' }, { ['"entry_id"'] = 1 }
  for n = 1, #fields, 2 do
    work.fields = work.fields - 1
    if work.fields < 0 then
      parts[#parts + 1] = ',' .. unique_name('"truncated"', seen) .. ':"the rest of ' .. #fields / 2 .. ' fields"'
      break
    end
    local name, bytes = fields[n], fields[n + 1]
    local fits = #name + #bytes <= work.bytes
    work.bytes = fits and work.bytes - #name - #bytes or work.bytes
    local value
    if not fits then
      value = decode_error('too long to display', bytes)
    elseif name == 'body' then
      value = body_to_json(bytes, work)
    else
      value = to_json(bytes)
    end
    parts[#parts + 1] = ',' .. unique_name(to_member_name(name:sub(1, MAX_HEX)), seen) .. ':' .. value
  end
  parts[#parts + 1] = '}'
  return table.concat(parts)
end

local function size_of(fields)
  local size = 0
  for _, part in ipairs(fields) do size = size + #part end
  return size
end

-- The line of an entry; nil and the limit that was reached if the entry exceeds the remaining allowance, so
-- that the next call should start with it. The first entry of a call is always displayed, if necessary in
-- part.
local function next_line(id, fields, work)
  if work.lines == 0 then return nil, MAX_LINES .. ' entries' end
  if work.lines < MAX_LINES then
    if size_of(fields) > work.bytes then return nil, MAX_BYTES .. ' bytes' end
    -- An entry of the portal has a few dozen values: with few left, this one might be cut.
    if work.values < MAX_VALUES / 10 then return nil, MAX_VALUES .. ' values' end
    if #fields / 2 > work.fields then return nil, MAX_FIELDS .. ' fields' end
  end
  work.lines = work.lines - 1
  return entry_to_json(id, fields, work)
end

-- The last line of a result that was cut: the reason, and the id to pass as the new start or end to continue.
local function truncated(reason, next_id)
  return '{"truncated":' .. quoted(reason) .. ',"next":"' .. next_id .. '"}'
end

-- Calls `visit` for each entry of a range, reading a few at a time, until it returns false.
local function each_entry(key, from, to, backwards, visit)
  local step = 1
  local reply = backwards and redis.call('XREVRANGE', key, to, from, 'COUNT', step)
    or redis.call('XRANGE', key, from, to, 'COUNT', step)
  -- Reading after the largest possible id is an error: there is no next page.
  while not reply.err and #reply > 0 do
    local bytes = 0
    for _, entry in ipairs(reply) do
      if visit(entry[1], entry[2]) == false then return end
      bytes = bytes + size_of(entry[2])
    end
    if #reply < step then return end
    local last = '(' .. reply[#reply][1]
    -- Large entries are read one at a time.
    step = bytes < 65536 and math.min(2 * step, 64) or 1
    reply = backwards and redis.pcall('XREVRANGE', key, last, from, 'COUNT', step)
      or redis.pcall('XRANGE', key, last, to, 'COUNT', step)
  end
end

