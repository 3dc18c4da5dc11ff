-- The set of entities with tiles, and two keys of each of some entities; an instant, and these entities. Whoever
-- has no tile any more leaves the set.
for entity = 2, #ARGV do
  local summaries, rows = KEYS[2 * entity - 2], KEYS[2 * entity - 1]
  prune(summaries, rows, ARGV[1])
  if redis.call('EXISTS', summaries) == 0 then redis.call('SREM', KEYS[1], ARGV[entity]) end
end
return 1
