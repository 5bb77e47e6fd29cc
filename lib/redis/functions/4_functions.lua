-- The public functions. Range ends are those of XRANGE: an id, `(` and an id to exclude it, `-`, `+`.

-- Maximum number of entries, and of their bytes, that one call of ap_find examines. Bodies that it decodes
-- are limited by MAX_VALUES and MAX_BYTES.
local MAX_EXAMINED = 5000
local MAX_BYTES_EXAMINED = 16777216

local function parse_count(text)
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

-- Displays the newest entries, the newest last.
local function tail(keys, args)
  local count = parse_count(args[1])
  if #keys ~= 1 or not count then return usage('tail') end
  local work, lines, stopped = new_work(), {}, nil
  each_entry(keys[1], '-', args[2] or '+', true, function(id, fields)
    local line, reason = next_line(id, fields, work)
    if not line then
      stopped = truncated(reason, '(' .. lines.last)
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

-- Displays entries from one id to another, the oldest first.
local function range(keys, args)
  local count = parse_count(args[3])
  if #keys ~= 1 or not count then return usage('range') end
  local work, lines = new_work(), {}
  each_entry(keys[1], args[1] or '-', args[2] or '+', false, function(id, fields)
    local line, reason = next_line(id, fields, work)
    lines[#lines + 1] = line or truncated(reason, id)
    return line ~= nil and #lines < count
  end)
  return lines
end

-- Displays one entry.
local function show(keys, args)
  if #keys ~= 1 or #args ~= 1 then return usage('show') end
  return range(keys, { args[1], args[1], 1 })
end

-- Returns a function that checks whether an entry has the value `wanted` in a field. `body.name.name` is a
-- path into the decoded body.
local function finder(field, wanted, work)
  local path = {}
  if field:sub(1, 5) == 'body.' then
    for name in field:sub(6):gmatch('[^.]+') do path[#path + 1] = quoted(name) end
  end
  -- MessagePack stores strings unchanged, so a plain search quickly excludes bodies without the string.
  local is_text = not (tonumber(wanted) or wanted:find('^[{ntf]'))
  local function in_body(body)
    if is_text and not body:find(wanted, 1, true) then return false end
    work.bytes = work.bytes - #body
    -- Bodies that are too long to display are not decoded.
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

-- Displays entries that have a value in a field, the newest first.
local function find(keys, args)
  local count = parse_count(args[3])
  if #keys ~= 1 or not args[2] or not count then return usage('find') end
  local work, search, lines = new_work(), new_work(), {}
  local matches = finder(args[1], args[2], search)
  local examined, bytes, last = 0, 0, nil
  local function stop(reason)
    lines[#lines + 1] = truncated(reason .. '; ' .. examined .. ' entries examined', last and '(' .. last or '+')
    return false
  end
  each_entry(keys[1], '-', args[4] or '+', true, function(id, fields)
    if #lines == count then return stop(count .. ' found') end
    bytes = bytes + size_of(fields)
    local at_limit = examined == MAX_EXAMINED or bytes > MAX_BYTES_EXAMINED
    at_limit = at_limit or search.values < MAX_VALUES / 10 or search.bytes < 0
    if last and at_limit then return stop('limit reached') end
    if matches(fields) then
      local line, reason = next_line(id, fields, work)
      if not line then return stop(reason) end
      lines[#lines + 1] = line
    end
    examined, last = examined + 1, id
  end)
  return lines
end

local READS = { 'no-writes' }
redis.register_function({ function_name = 'ap_tail', callback = tail, flags = READS, description = USAGE.tail })
redis.register_function({ function_name = 'ap_range', callback = range, flags = READS, description = USAGE.range })
redis.register_function({ function_name = 'ap_show', callback = show, flags = READS, description = USAGE.show })
redis.register_function({ function_name = 'ap_find', callback = find, flags = READS, description = USAGE.find })
