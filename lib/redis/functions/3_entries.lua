-- Entries as lines of JSON, within what one call may do.

-- At most so much is read and shown in one call, which keeps it below about a tenth of a second.
local MAX_LINES = 1000
local MAX_BYTES = 131072
local MAX_VALUES = 20000
local MAX_FIELDS = 5000

-- What one call may still do.
local function new_work()
  return {
    bytes = MAX_BYTES,
    values = MAX_VALUES,
    fields = MAX_FIELDS,
    lines = MAX_LINES,
    too_many = 'it holds more than ' .. MAX_VALUES .. ' values, or what was left of them',
  }
end

local function wrong(why, bytes, value)
  local parts = { '{"wrong":', quoted(why), ',', hex_member('hex', bytes) }
  if value then
    parts[#parts + 1] = ',"value":'
    write(value, parts)
  end
  parts[#parts + 1] = '}'
  return table.concat(parts)
end

local function body_shown(bytes, work)
  local value, why, beginning = read_body(bytes, work)
  if not value then return wrong(why, bytes, beginning) end
  local parts = {}
  write(value, parts)
  return table.concat(parts)
end

-- The second field of a name is shown as `name (2)`: in JSON it would hide the first.
local function told_apart(name, seen)
  seen[name] = (seen[name] or 0) + 1
  if seen[name] == 1 then return name end
  return name:sub(1, -2) .. ' (' .. seen[name] .. ')"'
end

-- One entry as one object, its fields in their order.
local function line_of(id, fields, work)
  local parts, seen = { '{"entry_id":"', id, '"' }, { ['"entry_id"'] = 1 }
  for n = 1, #fields, 2 do
    work.fields = work.fields - 1
    if work.fields < 0 then
      parts[#parts + 1] = ',' .. told_apart('"truncated"', seen) .. ':"the rest of ' .. #fields / 2 .. ' fields"'
      break
    end
    local name, bytes = fields[n], fields[n + 1]
    local fits = #name + #bytes <= work.bytes
    work.bytes = fits and work.bytes - #name - #bytes or work.bytes
    local value
    if not fits then
      value = wrong('too long to be shown', bytes)
    elseif name == 'body' then
      value = body_shown(bytes, work)
    else
      value = shown(bytes)
    end
    parts[#parts + 1] = ',' .. told_apart(name_shown(name:sub(1, MAX_HEX)), seen) .. ':' .. value
  end
  parts[#parts + 1] = '}'
  return table.concat(parts)
end

local function size_of(fields)
  local size = 0
  for _, part in ipairs(fields) do size = size + #part end
  return size
end

-- The line of an entry; none if it is more than this call may still do, and the next one should begin
-- with it. The first entry of a call is always shown, as far as it may be.
local function next_line(id, fields, work)
  if work.lines == 0 then return nil, MAX_LINES .. ' entries' end
  if work.lines < MAX_LINES then
    if size_of(fields) > work.bytes then return nil, MAX_BYTES .. ' bytes' end
    -- An entry of ours has a few dozen values: with few left this one may not be whole.
    if work.values < MAX_VALUES / 10 then return nil, MAX_VALUES .. ' values' end
    if #fields / 2 > work.fields then return nil, MAX_FIELDS .. ' fields' end
  end
  work.lines = work.lines - 1
  return line_of(id, fields, work)
end

-- The last line of what had to stop: why, and what to give as the new end or start to go on.
local function truncated(why, next_id)
  return '{"truncated":' .. quoted(why) .. ',"next":"' .. next_id .. '"}'
end

-- Hands entries from one end to the other to `visit`, a few at a time, until it returns false.
local function each_entry(key, from, to, backwards, visit)
  local step = 1
  local reply = backwards and redis.call('XREVRANGE', key, to, from, 'COUNT', step)
    or redis.call('XRANGE', key, from, to, 'COUNT', step)
  -- The next page of the last id there can be is an error: there is none.
  while not reply.err and #reply > 0 do
    local bytes = 0
    for _, entry in ipairs(reply) do
      if visit(entry[1], entry[2]) == false then return end
      bytes = bytes + size_of(entry[2])
    end
    if #reply < step then return end
    local last = '(' .. reply[#reply][1]
    -- What is large is fetched alone.
    step = bytes < 65536 and math.min(2 * step, 64) or 1
    reply = backwards and redis.pcall('XREVRANGE', key, last, from, 'COUNT', step)
      or redis.pcall('XRANGE', key, last, to, 'COUNT', step)
  end
end

