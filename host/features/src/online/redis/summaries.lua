-- Of each entity when its tiles begin, each before its summary.
local found = {}
for entity = 1, #KEYS do found[entity] = redis.call('HGETALL', KEYS[entity]) end
return found
