-- The load of scripts/bench: posts one signed webhook over and over. Stream's signature covers the body alone, so each
-- request gets a webhook id of its own. Arguments: FILE with the head's fixed part, FILE with the body, the ids'
-- prefix, and the requests per second of this thread (0: as fast as the answers come).
local ffi = require("ffi")
ffi.cdef [[
typedef struct { long seconds; long nanoseconds; } bench_time;
int clock_gettime(int clock, bench_time *time);
]]

local MONOTONIC = 1
local LATEST_MS = 20 -- a thread that is later than this gives the missed requests up rather than sending a burst
local threads = 0

function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end

local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

function init(args)
    local head, body = read(args[1]), read(args[2])
    local before = head .. "X-WEBHOOK-ID: " .. args[3] .. "-" .. number .. "-"
    local after = "\r\n\r\n" .. body
    local count = 0
    function request()
        count = count + 1
        return before .. count .. after
    end

    local rate = tonumber(args[4])
    if rate <= 0 then return end
    local time = ffi.new("bench_time")
    local interval = 1000 / rate
    local slot = 0
    -- Milliseconds until the connection may send: every request has its slot in the thread's timetable.
    function delay()
        ffi.C.clock_gettime(MONOTONIC, time)
        local now = tonumber(time.seconds) * 1000 + tonumber(time.nanoseconds) / 1e6
        slot = math.max(slot, now - LATEST_MS) + interval
        return math.max(0, math.floor(slot - now + 0.5))
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\nBENCH {"requests":%d,"seconds":%.6f,"p50":%.9f,"p90":%.9f,"p99":%.9f,"p999":%.9f,"max":%.9f,' ..
        '"refused":%d,"broken":%d,"timed_out":%d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(90) / 1e6,
        latency:percentile(99) / 1e6, latency:percentile(99.9) / 1e6, latency.max / 1e6,
        errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
