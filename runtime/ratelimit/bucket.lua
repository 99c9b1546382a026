-- Takes the costs of requests from their buckets, in their order: each from all of its buckets, or from none.
--
-- KEYS: the buckets of the first request, then those of the next. ARGV: for each request the number of its buckets and, for
-- each of these, its capacity and the cost in micro-tokens, the tokens it gains a minute, and the further requests that the
-- server wants to lease, or -1 for a bucket that gains whole tokens. A negative cost gives tokens back.
-- A key holds "<micro-tokens> <time>" in microseconds of this server's clock; a bucket without a key is full.
-- Answers for each request whether it is admitted (1 or 0), then of each of its buckets the micro-tokens in it and the requests
-- that were leased: none to a request that is refused, and at most an eighth of what is left, so that no server keeps the last
-- of a bucket from the others. A bucket that gains whole tokens has, in place of what was leased, the microseconds since it gained the
-- last one. -1 stands for a request of which a key is no bucket: nothing is taken for it.
-- All numbers are integers under 2^53; bucket.go has the same arithmetic for buckets in memory.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local slack_ms = 60000 -- a key outlives the moment its bucket is full: the clock may be set back

local levels = {} -- by key: what is in the bucket, at which time; of several requests each finds what the one before left
local changed = {} -- the keys to write, in their order

local function level_of(key)
  local level = levels[key]
  if not level then
    level = {}
    local value = redis.pcall('GET', key)
    if type(value) == 'table' then
      level.broken = true
    elseif value then
      local tokens, at = string.match(value, '^(%d+) (%d+)$')
      level.tokens, level.at = tonumber(tokens), tonumber(at)
    end
    levels[key] = level
  end
  return level
end

local function fill(key, capacity, cost, per_minute, lease)
  local level = level_of(key)
  local b = { level = level, key = key, capacity = capacity, cost = cost, per_minute = per_minute, lease = lease, leased = 0, tokens = capacity }
  if level.tokens then
    b.backwards = now < level.at
    local elapsed = math.min(math.max(now - level.at, 0), math.ceil(capacity * 60 / per_minute))
    local gained = math.floor(elapsed * per_minute / 60)
    if lease < 0 then
      gained = gained - gained % 1000000
      b.since = elapsed - math.ceil(gained * 60 / per_minute)
    end
    b.tokens = math.min(capacity, level.tokens + gained)
  end
  return b
end

local function full_in_ms(b) return math.ceil((b.capacity - b.tokens) * 60 / b.per_minute / 1000) end

-- What is in the bucket of a refused request stays as it is. Its key may have to last longer, when the limit was lowered: it was kept
-- until the bucket would have been full by the limit of then.
local function prolong(b)
  if not b.level.tokens or b.level.ttl_ms then return end
  local full_ms = full_in_ms(b)
  if redis.call('PTTL', b.key) < full_ms then redis.call('PEXPIRE', b.key, full_ms + slack_ms) end
end

-- When the clock ran backwards a refused request changes the bucket's time: it would not fill until the clock had caught up.
local function keep(b, admitted)
  if admitted == 1 then
    b.tokens = math.min(b.capacity, b.tokens - b.cost)
    b.since = 0
    if b.lease > 0 then
      b.leased = math.min(b.lease, math.floor(b.tokens / b.cost / 8))
      b.tokens = b.tokens - b.leased * b.cost
    end
  end
  if admitted ~= 1 and not b.backwards then return prolong(b) end
  local level = b.level
  if not level.ttl_ms then changed[#changed + 1] = b.key end
  level.tokens, level.at = b.tokens, now
  level.ttl_ms = full_in_ms(b) + slack_ms
end

local answer = {}
local key, arg = 0, 0
while arg < #ARGV do
  local admitted, buckets = 1, {}
  arg = arg + 1
  for i = 1, tonumber(ARGV[arg]) do
    key = key + 1
    local b = fill(KEYS[key], tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3]), tonumber(ARGV[arg + 4]))
    arg = arg + 4
    if b.level.broken then
      admitted = -1
    elseif admitted == 1 and b.tokens < b.cost then
      admitted = 0
    end
    buckets[i] = b
  end
  answer[#answer + 1] = admitted
  for _, b in ipairs(buckets) do
    if admitted >= 0 then keep(b, admitted) end
    answer[#answer + 1] = b.tokens
    answer[#answer + 1] = b.lease < 0 and (b.since or 0) or b.leased
  end
end
for _, name in ipairs(changed) do
  local level = levels[name]
  redis.call('SET', name, string.format('%.0f %.0f', level.tokens, level.at), 'PX', level.ttl_ms)
end
return answer
