-- Instants are eight bytes that compare as they do.
local function is_before(one, other)
  for place = 1, 8 do
    local x, y = one:byte(place), other:byte(place)
    if x ~= y then return x < y end
  end
  return false
end

-- Removes the tiles of an entity that begin before an instant.
local function prune(summaries, rows, before)
  for _, start in ipairs(redis.call('HKEYS', summaries)) do
    if is_before(start, before) then
      redis.call('HDEL', summaries, start)
      redis.call('HDEL', rows, start)
    end
  end
end

