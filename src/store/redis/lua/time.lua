-- Begins every script.
-- ARGV[1]: for how many milliseconds its sender waits
-- ARGV[2]: when it was sent, in milliseconds of this server's clock; empty if it may come at any time
-- Every reply begins with a word and with the time.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- What waited in a frozen server, or in the network, must not take effect after its sender has given up. A sender that
-- is ahead of the time does not know the time: what it writes would have wrong times in it.
if ARGV[2] ~= '' then
  local age = now - ARGV[2]
  if age > tonumber(ARGV[1]) or age < -2000 then
    return {'late', now}
  end
end

local function read()
  return redis.call('HMGET', KEYS[1], 'version', 'text', 'intent')
end

-- Whether this version is stored. A person may have changed the text alone.
local function holds(found, version)
  return found[2] and found[1] == version
    and string.find(found[2], '"version":"' .. version .. '"', 1, true)
end

