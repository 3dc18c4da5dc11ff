-- How far the view has read the log, and since when there is something that remembers it: a new epoch begins
-- if Redis has lost either the rows that count or those that wait. Rows that are there still do no harm.
local known = redis.call('HMGET', KEYS[1], 'cursor', 'epoch', 'waiting')
if known[1] and tonumber(known[3] or 0) == redis.call('ZCARD', KEYS[2]) then
  return {tonumber(known[1]), tonumber(known[2])}
end
redis.call('DEL', KEYS[2])
local time = redis.call('TIME')
local epoch = time[1] .. string.format('%06d', time[2])
redis.call('HSET', KEYS[1], 'cursor', 0, 'epoch', epoch, 'waiting', 0)
return {0, tonumber(epoch)}
