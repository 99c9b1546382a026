-- What models take in calendar windows, for the service and for tenants: an account for each, of all of which an operation is done at once.
--
-- KEYS: for each account its hash, then its reservations (a sorted set by the end of their leases); of "charge" first a key that says it was done.
-- ARGV: the operation, its id, how long a lease or that key lasts (ms), whether the limits hold (1 or 0), three days and three months, each as
-- start (ms) and id; then for each account: three amounts, three limits (0 for none), the day and the month that they are of (charge) or that
-- a server knows (else), and the three sums that it knows to have been taken in them.
-- A hash holds the day and month, what was taken of each of three counters (u1 to u3: tokens and billionths of a dollar of the day, those of the
-- month), what is reserved (h1 to h3), and reservations (r:<id>). Days and months never go back: an earlier one than the account's is that.
-- Operations: "reserve" the amounts, unless one of the accounts has no room for them; "settle" a reservation by the amounts; "charge" them,
-- once for an id; "read". Answers whether it was done (1 or 0), then of each account its day, month, what was taken and what is reserved.
-- A reservation whose lease is over counts as taken. All numbers are integers under 2^53.
-- The windows are those that hold the time of this Redis. When all that are given begin later, the server's clock is wrong: nothing is done.
local operation, id, lasts, enforced = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local keep_ms = 40 * 86400000 -- an account outlives its month
local swept = 100 -- reservations whose lease is over, for each run
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

if tonumber(ARGV[5]) > now then return redis.error_reply('ERR the clock of the server is more than a day ahead of that of Redis') end

local function current(first)
  local found = tonumber(ARGV[first + 1])
  for i = first, first + 4, 2 do
    if tonumber(ARGV[i]) <= now then found = tonumber(ARGV[i + 1]) end
  end
  return found
end
local today, this_month = current(5), current(11)

local function roll(a, to_day, to_month)
  if to_day > a.day then
    a.day = to_day
    for i = 1, 2 do a.used[i], a.held[i] = 0, 0 end
  end
  if to_month > a.month then
    a.month = to_month
    a.used[3], a.held[3] = 0, 0
  end
end

local function is_of(a, i, of_day, of_month) return i < 3 and of_day == a.day or i == 3 and of_month == a.month end

-- Takes a reservation off the account, and counts what it took. That it is settled is remembered as long as its lease would have lasted, so
-- that it counts once however often it is sent, and one that this Redis has lost can be told from it.
local function settle(a, name, took)
  local text = redis.call('HGET', a.key, 'r:' .. name)
  if text and took then
    redis.call('HSET', a.key, 'r:' .. name, 'done')
  else
    redis.call('HDEL', a.key, 'r:' .. name)
    redis.call('ZREM', a.leases, name)
  end
  if not text then return 0 end
  if text == 'done' then return 1 end
  local of_day, of_month, tokens, usd = string.match(text, '^(%d+) (%d+) (%d+) (%d+)$')
  local reserved = { tonumber(tokens), tonumber(usd), tonumber(usd) }
  for i = 1, 3 do
    if is_of(a, i, tonumber(of_day), tonumber(of_month)) then
      a.held[i] = math.max(0, a.held[i] - reserved[i])
      a.used[i] = a.used[i] + (took or reserved)[i]
    end
  end
  return 1
end

local function open(n, key, leases)
  local first = 17 + (n - 1) * 11
  local a = { key = key, leases = leases, amounts = {}, limits = {}, used = {}, held = {} }
  local values = redis.call('HMGET', key, 'day', 'month', 'u1', 'u2', 'u3', 'h1', 'h2', 'h3')
  a.day, a.month = tonumber(values[1] or 0), tonumber(values[2] or 0)
  for i = 1, 3 do
    a.amounts[i], a.limits[i] = tonumber(ARGV[first + i - 1]), tonumber(ARGV[first + i + 2])
    a.used[i], a.held[i] = tonumber(values[2 + i] or 0), tonumber(values[5 + i] or 0)
  end
  a.of_day, a.of_month = tonumber(ARGV[first + 6]), tonumber(ARGV[first + 7])
  roll(a, today, this_month)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, swept)) do settle(a, name, nil) end
  if operation == 'charge' then return a end
  for i = 1, 3 do -- what a server was told before, and this Redis has lost
    if is_of(a, i, a.of_day, a.of_month) then a.used[i] = math.max(a.used[i], tonumber(ARGV[first + 7 + i])) end
  end
  return a
end

local function fits(a)
  for i = 1, 3 do
    if a.limits[i] > 0 and a.used[i] + a.held[i] + a.amounts[i] > a.limits[i] then return false end
  end
  return true
end

local function reserve(a)
  for i = 1, 3 do a.held[i] = a.held[i] + a.amounts[i] end
  redis.call('HSET', a.key, 'r:' .. id, string.format('%.0f %.0f %.0f %.0f', a.day, a.month, a.amounts[1], a.amounts[2]))
  redis.call('ZADD', a.leases, now + lasts, id)
end

-- What is charged to a window that has not begun counts in that of now: it was taken, and the clock of who took it was ahead.
local function charge(a)
  local of_day, of_month = math.min(a.of_day, a.day), math.min(a.of_month, a.month)
  for i = 1, 3 do
    if is_of(a, i, of_day, of_month) then a.used[i] = a.used[i] + a.amounts[i] end
  end
end

local function save(a)
  local numbers = { 'day', a.day, 'month', a.month }
  for i = 1, 3 do
    numbers[#numbers + 1], numbers[#numbers + 2] = 'u' .. i, a.used[i]
    numbers[#numbers + 1], numbers[#numbers + 2] = 'h' .. i, a.held[i]
  end
  for i = 2, #numbers, 2 do numbers[i] = string.format('%.0f', numbers[i]) end
  redis.call('HSET', a.key, unpack(numbers))
  redis.call('PEXPIRE', a.key, keep_ms)
  redis.call('PEXPIRE', a.leases, keep_ms)
end

local key, done = 1, 1
if operation == 'charge' then key = 2 end
local accounts, fitting = {}, true
while key < #KEYS do
  local a = open(#accounts + 1, KEYS[key], KEYS[key + 1])
  accounts[#accounts + 1] = a
  fitting = fitting and fits(a)
  key = key + 2
end
if operation == 'reserve' then
  done = fitting and 1 or 0
  if fitting or not enforced then for _, a in ipairs(accounts) do reserve(a) end end
elseif operation == 'settle' then
  for _, a in ipairs(accounts) do done = math.min(done, settle(a, id, a.amounts)) end
elseif operation == 'charge' then
  done = redis.call('SET', KEYS[1], '1', 'NX', 'PX', lasts) and 1 or 0
  if done == 1 then for _, a in ipairs(accounts) do charge(a) end end
end
local answer = { done }
for _, a in ipairs(accounts) do
  save(a)
  answer[#answer + 1], answer[#answer + 2] = a.day, a.month
  for i = 1, 3 do answer[#answer + 1] = a.used[i] end
  for i = 1, 3 do answer[#answer + 1] = a.held[i] end
end
return answer
