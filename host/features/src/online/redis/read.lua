-- The bound of what is due, and the keys. Nothing if more have become due than one run lets count.
if not promote(ARGV[1]) then return false end
local rows = {}
-- Lua passes some thousands of arguments at once, no more.
for first = 2, #ARGV, 4000 do
  local found = redis.call('HMGET', KEYS[1], unpack(ARGV, first, math.min(first + 3999, #ARGV)))
  for index = 1, #found do rows[#rows + 1] = found[index] end
end
return rows
