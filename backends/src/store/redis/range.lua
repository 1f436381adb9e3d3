-- The entries of a range as key, value, key, value …
-- KEYS: 1 the sorted set of the space's keys, 2 the hash of its values
-- ARGV: the command for the direction, its bounds, the limit
local keys = redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])
local entries = {}
for first = 1, #keys, 1000 do
  local last = math.min(first + 999, #keys)
  local values = redis.call('HMGET', KEYS[2], unpack(keys, first, last))
  for index = first, last do
    entries[#entries + 1] = keys[index]
    entries[#entries + 1] = values[index - first + 1] or ''
  end
end
return entries
