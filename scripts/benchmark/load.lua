-- The load of scripts/bench: posts webhooks that differ in their id and in 36 characters of their body, each signed.
-- Arguments: FOLDER with the head's fixed part, the body before and after those characters and the secret, the ids'
-- prefix, the requests per second of this thread (0: as fast as the answers come), and how many calls they are about.
local ffi = require("ffi")
local crypto = ffi.load("libcrypto.so.3")
ffi.cdef [[
typedef struct { long seconds; long nanoseconds; } bench_time;
int clock_gettime(int clock, bench_time *time);
const void *EVP_sha256(void);
unsigned char *HMAC(const void *hash, const void *key, int key_length, const char *text, size_t length,
                    unsigned char *code, unsigned int *code_length);
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
    local folder, prefix = args[1], args[2]
    local head, before = read(folder .. "/head") .. "X-WEBHOOK-ID: ", read(folder .. "/before")
    local after, secret = read(folder .. "/after"), read(folder .. "/secret")
    local hash, code, length = crypto.EVP_sha256(), ffi.new("unsigned char[32]"), ffi.new("unsigned int[1]")
    local hex = {}
    for byte = 0, 255 do hex[byte] = string.format("%02x", byte) end
    local digits = {}
    local calls, befores = tonumber(args[4]), { [0] = before }
    for call = 0, calls - 1 do
        if calls > 1 then befores[call] = before:gsub("town%-hall%-42", string.format("town-hall-%02d", call)) end
    end
    local count = 0
    function request()
        count = count + 1
        local body = befores[count % calls] .. string.format("%s%04d%012d", prefix:sub(1, 20), number, count) .. after
        crypto.HMAC(hash, secret, #secret, body, #body, code, length)
        for place = 0, 31 do digits[place + 1] = hex[code[place]] end
        return head .. prefix .. "-" .. number .. "-" .. count .. "\r\nX-SIGNATURE: " .. table.concat(digits) ..
            "\r\n\r\n" .. body
    end

    local rate = tonumber(args[3])
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
