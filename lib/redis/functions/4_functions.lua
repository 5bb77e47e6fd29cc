-- What people call. Ends of ranges are those of XRANGE: an id, `(` and an id for beyond it, `-`, `+`.

-- ap_find looks at no more in one call; into bodies, at no more than is shown in one.
local MAX_LOOKED_AT = 5000
local MAX_BYTES_LOOKED_AT = 16777216

local function counted(text)
  local count = tonumber(text or 10)
  if not count or count < 1 or count ~= math.floor(count) then return nil end
  return count
end

local USAGE = {
  tail = 'ap_tail 1 KEY [count] [below]',
  range = 'ap_range 1 KEY [from] [to] [count]',
  show = 'ap_show 1 KEY id',
  find = 'ap_find 1 KEY field value [count] [below]',
}

local function usage(of) return redis.error_reply('ERR usage: FCALL_RO ' .. USAGE[of]) end

-- The newest entries, the newest last.
local function tail(keys, args)
  local count = counted(args[1])
  if #keys ~= 1 or not count then return usage('tail') end
  local work, lines, stopped = new_work(), {}, nil
  each_entry(keys[1], '-', args[2] or '+', true, function(id, fields)
    local line, why = next_line(id, fields, work)
    if not line then
      stopped = truncated(why, '(' .. lines.last)
      return false
    end
    lines.last = id
    lines[#lines + 1] = line
    return #lines < count
  end)
  local ordered = {}
  for n = #lines, 1, -1 do ordered[#ordered + 1] = lines[n] end
  ordered[#ordered + 1] = stopped
  return ordered
end

-- Entries from one id to another, the oldest first.
local function range(keys, args)
  local count = counted(args[3])
  if #keys ~= 1 or not count then return usage('range') end
  local work, lines = new_work(), {}
  each_entry(keys[1], args[1] or '-', args[2] or '+', false, function(id, fields)
    local line, why = next_line(id, fields, work)
    lines[#lines + 1] = line or truncated(why, id)
    return line ~= nil and #lines < count
  end)
  return lines
end

-- One entry.
local function show(keys, args)
  if #keys ~= 1 or #args ~= 1 then return usage('show') end
  return range(keys, { args[1], args[1], 1 })
end

-- Whether an entry has the wanted value in a field; within its body if the field is `body.name.name`.
local function finder(field, wanted, work)
  local path = {}
  if field:sub(1, 5) == 'body.' then
    for name in field:sub(6):gmatch('[^.]+') do path[#path + 1] = quoted(name) end
  end
  -- A text is in a body as it is; this is fast.
  local is_text = not (tonumber(wanted) or wanted:find('^[{ntf]'))
  local function in_body(body)
    if is_text and not body:find(wanted, 1, true) then return false end
    work.bytes = work.bytes - #body
    -- What is too long to be shown is not looked into.
    local value = #body <= MAX_BYTES and read_body(body, work)
    return value and holds(value, path, 1, wanted)
  end
  return function(fields)
    for n = 1, #fields, 2 do
      if fields[n] == field and fields[n + 1] == wanted then return true end
      if path[1] and fields[n] == 'body' and in_body(fields[n + 1]) then return true end
    end
    return false
  end
end

-- Entries with a value, the newest first.
local function find(keys, args)
  local count = counted(args[3])
  if #keys ~= 1 or not args[2] or not count then return usage('find') end
  local work, looking, lines = new_work(), new_work(), {}
  local matches = finder(args[1], args[2], looking)
  local looked_at, bytes, last = 0, 0, nil
  local function stop(why)
    lines[#lines + 1] = truncated(why .. '; ' .. looked_at .. ' looked at', last and '(' .. last or '+')
    return false
  end
  each_entry(keys[1], '-', args[4] or '+', true, function(id, fields)
    if #lines == count then return stop(count .. ' found') end
    bytes = bytes + size_of(fields)
    local enough = looked_at == MAX_LOOKED_AT or bytes > MAX_BYTES_LOOKED_AT
    enough = enough or looking.values < MAX_VALUES / 10 or looking.bytes < 0
    if last and enough then return stop('stopped') end
    if matches(fields) then
      local line, why = next_line(id, fields, work)
      if not line then return stop(why) end
      lines[#lines + 1] = line
    end
    looked_at, last = looked_at + 1, id
  end)
  return lines
end

local READS = { 'no-writes' }
redis.register_function({ function_name = 'ap_tail', callback = tail, flags = READS, description = USAGE.tail })
redis.register_function({ function_name = 'ap_range', callback = range, flags = READS, description = USAGE.range })
redis.register_function({ function_name = 'ap_show', callback = show, flags = READS, description = USAGE.show })
redis.register_function({ function_name = 'ap_find', callback = find, flags = READS, description = USAGE.find })
