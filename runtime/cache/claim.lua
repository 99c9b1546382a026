-- Gets a value, or claims the work of making it.
-- KEYS: the value's, its claim's (in the same slot). ARGV: who asks; for how many ms a claim holds; the SHA-1 of a value that
-- counts as none, or nothing. Answers the value and nothing, or nothing and who has the claim.
local value = redis.call('GET', KEYS[1])
if value and (ARGV[3] == '' or redis.sha1hex(value) ~= ARGV[3]) then
  return {value, false}
end
local owner = redis.call('GET', KEYS[2])
if not owner then
  redis.pcall('SET', KEYS[2], ARGV[1], 'PX', ARGV[2]) -- a Redis that takes no writes has each server work for itself
  owner = ARGV[1]
end
return {false, owner}
