-- KEYS: the entry, the lease
-- ARGV[3]: 'version' to write over the version ARGV[4], 'text' to write over the text ARGV[4], 'absent' to write only if
-- nothing is stored, 'any' to write over anything
-- ARGV[5], [6], [7]: what to write: the version, the text, and the id of an exchange that is open
-- ARGV[8]: the value of the lease to give back; empty if there is none
-- ARGV[9]: the channel

local found = read()
local function matches()
  if ARGV[3] == 'version' then return holds(found, ARGV[4]) end
  if ARGV[3] == 'text' then return found[2] == ARGV[4] end
  return ARGV[3] == 'any' or not found[2]
end

-- The sender may have written this before, and not have seen the reply. Another process may have left a note since.
local is_stored = ARGV[3] ~= 'any' and ARGV[4] ~= ARGV[5] and holds(found, ARGV[5])
if not is_stored then
  if not matches() then
    return {'other', now, found[1], found[2], found[3]}
  end
  -- This comes first. It is allowed when memory has run out, and what follows a write is allowed, too.
  redis.call('HDEL', KEYS[1], 'intent', 'pad')
  redis.call('HSET', KEYS[1], 'version', ARGV[5], 'text', ARGV[6])
  if ARGV[7] ~= '' then
    redis.call('HSET', KEYS[1], 'intent', ARGV[7])
  end
  redis.call('PERSIST', KEYS[1])
end
if ARGV[8] ~= '' and redis.call('GET', KEYS[2]) == ARGV[8] then
  redis.call('DEL', KEYS[2])
end
-- Those who may not publish are found by polling.
redis.pcall('PUBLISH', ARGV[9], ARGV[5])
return {'ok', now}
