-- KEYS: the entry, where a copy of a damaged one goes

redis.call('COPY', KEYS[1], KEYS[2], 'REPLACE')
return {'ok', now}
