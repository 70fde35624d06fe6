-- KEYS: the entry, the lease
-- ARGV[3], [4]: the value of the lease; the channel
-- ARGV[5]: a text that is to be undone; empty if there is none
-- ARGV[6], [7]: the text and the id of the exchange that it had replaced

if redis.call('GET', KEYS[2]) ~= ARGV[3] then
  return {'ok', now}
end
redis.call('DEL', KEYS[2])
if ARGV[5] ~= '' and read()[2] == ARGV[5] then
  redis.call('HDEL', KEYS[1], 'intent', 'pad')
  if ARGV[6] == '' then
    redis.call('DEL', KEYS[1])
  else
    redis.call('HSET', KEYS[1], 'text', ARGV[6])
    if ARGV[7] ~= '' then
      redis.call('HSET', KEYS[1], 'intent', ARGV[7])
    end
  end
end
redis.pcall('PUBLISH', ARGV[4], '')
return {'ok', now}
