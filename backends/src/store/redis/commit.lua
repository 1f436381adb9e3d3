-- Applies a batch, or says why not.
-- KEYS: 1 the sorted set of the space's keys, 2 the hash of its values, 3 the marks of batches that were applied
-- ARGV: the mark of this batch (empty: none), the fence (0 or 1 times key, value), the number of expectations, each as
--       key, 0|1, value; the number of puts, each as key, value; then the keys to delete
local keys, values = KEYS[1], KEYS[2]
local at = 1

local function next()
  local argument = ARGV[at]
  at = at + 1
  return argument
end

local mark = next()
if mark ~= '' and redis.call('ZSCORE', KEYS[3], mark) then
  return 'OK' -- a cluster's client repeats what it is not sure to have sent
end

if next() == '1' then
  local key, value = next(), next()
  if redis.call('HGET', values, key) ~= value then
    return redis.error_reply('FENCED ' .. key)
  end
end

for _ = 1, tonumber(next()) do
  local key, exists, value = next(), next(), next()
  local found = redis.call('HGET', values, key)
  if exists == '0' then value = false end
  if found ~= value then
    return redis.error_reply('CONFLICT ' .. key)
  end
end

for _ = 1, tonumber(next()) do
  local key, value = next(), next()
  if redis.call('HSET', values, key, value) == 1 then
    redis.call('ZADD', keys, 0, key)
  end
end

for index = at, #ARGV do
  if redis.call('HDEL', values, ARGV[index]) == 1 then
    redis.call('ZREM', keys, ARGV[index])
  end
end

if mark ~= '' then
  local time = redis.call('TIME')[1]
  redis.call('ZADD', KEYS[3], time, mark)
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', time - 120)
end
return 'OK'
