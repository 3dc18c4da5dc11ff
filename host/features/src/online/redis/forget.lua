-- Forgets the rows of a view, and that it has read the log, if it has read it as far as this and no further. What
-- is under way to it is refused then, as the epoch is gone as well.
if redis.call('HGET', KEYS[1], 'cursor') == ARGV[1] then redis.call('DEL', KEYS[1], KEYS[2]) end
return 1
