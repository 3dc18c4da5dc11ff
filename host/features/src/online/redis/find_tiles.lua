-- Of each place the summary and the rows, or nothing twice. Two keys a place, and when its tile begins.
local found = {}
for place = 1, #ARGV do
  found[#found + 1] = redis.call('HGET', KEYS[2 * place - 1], ARGV[place])
  found[#found + 1] = redis.call('HGET', KEYS[2 * place], ARGV[place])
end
return found
