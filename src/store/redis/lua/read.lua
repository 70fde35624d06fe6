-- KEYS[1]: the entry

local found = read()
return {'ok', now, found[1], found[2], found[3]}
