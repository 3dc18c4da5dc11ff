-- The epoch that was seen, the cursor to move to or -1, how many rows count already, each with its key before
-- it, and the rows that wait. Writes nothing into another epoch: what was there before is lost then.
local known = redis.call('HMGET', KEYS[1], 'epoch', 'cursor')
if known[1] ~= ARGV[1] then return 0 end
local first_waiting = 4 + 2 * tonumber(ARGV[3])
for index = 4, first_waiting - 2, 2 do put(ARGV[index], ARGV[index + 1]) end
local added = 0
for index = first_waiting, #ARGV do added = added + redis.call('ZADD', KEYS[2], 0, ARGV[index]) end
if added > 0 then redis.call('HINCRBY', KEYS[1], 'waiting', added) end
if tonumber(ARGV[2]) > tonumber(known[2]) then redis.call('HSET', KEYS[1], 'cursor', ARGV[2]) end
return 1
