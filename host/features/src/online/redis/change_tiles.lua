-- The epoch that was seen, the cursor to move to or -1, from when on tiles are kept; and of each tile when it
-- begins, the version that was seen, summary and rows with the next version before them, and the entity. A
-- tile that has another version by now is left alone: answers which those are. Without a summary, a tile stays
-- as it is. Nothing is done in another epoch.
local known = redis.call('HMGET', KEYS[1], 'epoch', 'cursor')
if known[1] ~= ARGV[1] then return false end
local refused = {}
for tile = 1, (#ARGV - 3) / 5 do
  local start, seen, summary, rows, entity = unpack(ARGV, 5 * tile - 1, 5 * tile + 3)
  local summaries, all_rows = KEYS[2 * tile + 1], KEYS[2 * tile + 2]
  local found = redis.call('HGET', summaries, start)
  if (found and found:sub(1, 8) or '') ~= seen then
    refused[#refused + 1] = tile - 1
  elseif #summary > 0 then
    redis.call('HSET', summaries, start, summary)
    redis.call('HSET', all_rows, start, rows)
    redis.call('SADD', KEYS[2], entity)
  end
  prune(summaries, all_rows, ARGV[3])
end
local cursor = tonumber(ARGV[2])
if #refused == 0 and cursor > tonumber(known[2]) then redis.call('HSET', KEYS[1], 'cursor', ARGV[2]) end
return refused
