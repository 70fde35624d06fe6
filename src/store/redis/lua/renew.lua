-- KEYS: the entry, the lease
-- ARGV[3], [4]: the value of the lease; how many milliseconds it lasts
-- ARGV[5], [6]: the version, and the id of the open exchange, that the holder has left there

local holder = redis.call('GET', KEYS[2])
if holder == ARGV[3] then
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
  return {'ok', now}
end
-- It has lapsed. If nobody came meanwhile, it goes on.
local found = read()
if not holder and (found[1] or '') == ARGV[5] and (found[3] or '') == ARGV[6] then
  redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
  return {'ok', now}
end
return {'lost', now}
