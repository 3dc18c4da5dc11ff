-- A row replaces another only if it is greater. The 24 bytes before the features compare as their order does.
local function is_newer(row, known)
  for place = 1, 24 do
    local one, other = row:byte(place), known:byte(place)
    if one ~= other then return one > other end
  end
  return false
end

local function put(key, row)
  local known = redis.call('HGET', KEYS[1], key)
  if not known or is_newer(row, known) then redis.call('HSET', KEYS[1], key, row) end
end

-- Lets rows that have become due count, a thousand at most; whether those were all.
local function promote(due_by)
  local due = redis.call('ZRANGEBYLEX', KEYS[2], '-', due_by, 'LIMIT', 0, 1000)
  if #due == 0 then return true end
  for _, member in ipairs(due) do
    local a, b, c, d = member:byte(33, 36)
    local key_end = 36 + ((a * 256 + b) * 256 + c) * 256 + d
    put(member:sub(37, key_end), member:sub(9, 32) .. member:sub(key_end + 1))
    redis.call('ZREM', KEYS[2], member)
  end
  redis.call('HINCRBY', KEYS[1], 'waiting', -#due)
  return #due < 1000
end

