-- Takes the lease, reads the entry, and writes the note that an exchange is open.
-- KEYS: the entry, the lease
-- ARGV[3], [4]: the value of the lease; how many milliseconds it lasts
-- ARGV[5]: 'version' to write if ARGV[6] is stored, 'absent' to write if nothing is, 'none' to write nothing
-- ARGV[7], [8], [9]: what to write: the version, the text, and the id of the exchange

local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[3] then
  return {'held', now, holder}
end
-- Redis refuses this already if memory has run out, or if it takes no writes.
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])

local found = read()
local is_expected = ARGV[5] == 'version' and holds(found, ARGV[6]) or ARGV[5] == 'absent' and not found[2]
local is_free = not found[3] or found[3] == ARGV[9]
-- The note that the provider has refused the refresh token: over that, nothing is to be sent. In a string its quotes would be
-- escaped.
local is_refused = found[2] and string.find(found[2], '"refused":true', 1, true)
if not is_expected or not is_free or is_refused then
  return {'taken', now, found[1], found[2], found[3]}
end
redis.call('HSET', KEYS[1], 'version', ARGV[7], 'text', ARGV[8])
if ARGV[9] == '' then
  redis.call('HDEL', KEYS[1], 'intent')
else
  redis.call('HSET', KEYS[1], 'intent', ARGV[9])
end
-- The room of the save.
redis.call('HSET', KEYS[1], 'pad', string.rep(' ', #ARGV[8]))
redis.call('PERSIST', KEYS[1])
return {'written', now, found[1], found[2], found[3]}
