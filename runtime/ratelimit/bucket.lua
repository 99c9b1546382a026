-- Takes a request's cost from all of its buckets, or from none.
--
-- KEYS: the buckets. ARGV: for each its capacity and the cost in micro-tokens, and the tokens it gains a minute.
-- A key holds "<micro-tokens> <time>" in microseconds of this server's clock; a bucket without a key is full.
-- Answers whether the request is admitted (1 or 0), then the micro-tokens in each bucket.
-- All numbers are integers under 2^53; bucket.go has the same arithmetic for buckets in memory.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local slack_ms = 60000 -- a key outlives the moment its bucket is full: the clock may be set back

local allowed = 1
local buckets = {}
for i, key in ipairs(KEYS) do
  local b = {
    capacity = tonumber(ARGV[3 * i - 2]),
    cost = tonumber(ARGV[3 * i - 1]),
    per_minute = tonumber(ARGV[3 * i]),
  }
  b.tokens = b.capacity
  local held, at = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
  if held then
    at = tonumber(at)
    b.backwards = now < at
    local elapsed = math.min(math.max(now - at, 0), math.ceil(b.capacity * 60 / b.per_minute))
    b.tokens = math.min(b.capacity, tonumber(held) + math.floor(elapsed * b.per_minute / 60))
  end
  if b.tokens < b.cost then allowed = 0 end
  buckets[i] = b
end

local answer = { allowed }
for i, b in ipairs(buckets) do
  if allowed == 1 then b.tokens = b.tokens - b.cost end
  -- A refused request changes nothing, unless the clock ran backwards: the bucket would not fill until it had caught up.
  if allowed == 1 or b.backwards then
    local until_full_ms = math.ceil((b.capacity - b.tokens) * 60 / b.per_minute / 1000)
    redis.call('SET', KEYS[i], string.format('%.0f %.0f', b.tokens, now), 'PX', until_full_ms + slack_ms)
  end
  answer[i + 1] = string.format('%.0f', b.tokens)
end
return answer
