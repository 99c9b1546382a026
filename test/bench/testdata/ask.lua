-- wrk's script: POST $BENCH_BODY with $BENCH_KEY, and the lines of $BENCH_HEADERS. With $BENCH_PAUSE each connection waits so many
-- milliseconds before each request. Where the body holds the character @, each request has a number of its own in its
-- place, so that no cache knows it. At the end one line of JSON says what came of it; times are in microseconds.

local threads = 0
local pause = tonumber(os.getenv("BENCH_PAUSE"))

if pause then
  function delay() return pause end
end

function setup(thread)
  threads = threads + 1
  thread:set("number", threads * 1000000000)
end

function init()
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["X-API-Key"] = os.getenv("BENCH_KEY")
  for name, value in os.getenv("BENCH_HEADERS"):gmatch("([^\n:]+): ([^\n]+)") do
    wrk.headers[name] = value
  end
  body = os.getenv("BENCH_BODY")
  if not body:find("@", 1, true) then
    local fixed = wrk.format(nil, nil, nil, body)
    request = function() return fixed end
  end
end

function request()
  number = number + 1
  return wrk.format(nil, nil, nil, (body:gsub("@", "q" .. number)))
end

function done(summary, latency)
  local broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format('{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status, broken))
end
