-- A client: http2.lua origin=URL path=P [sessions=N] streams=N [method=POST size=N] and either
-- seconds=S or requests=N; streams are those of one session. Prints how many requests were
-- answered, in how many seconds, and in how many of the processor, from the first request to the
-- last answer.
local http2 = require("http2")
local socket = require("socket")

local options = {method = "GET", size = "0", sessions = "1"}
for _, argument in ipairs(arg) do
    local name, value = argument:match("^(%w+)=(.*)$")
    options[name] = value
end

local body = options.method == "POST" and ("x"):rep(tonumber(options.size)) or nil
local headers = {[":method"] = options.method, [":path"] = options.path}
local limit = tonumber(options.requests) or math.huge
local seconds = tonumber(options.seconds) or math.huge
local streams, sessions = tonumber(options.streams), tonumber(options.sessions)
local begun, done, last, first = 0, 0, nil, socket.gettime()
local clock, first_clock = nil, os.clock()

local function on_response(answer)
    assert(answer[":status"] == 200, "an answer that is not 200")
end

local function on_data() end

local function load()
    local session = http2.connect(options.origin, {rejectUnauthorized = false})
    local running = 0
    local on_close

    local function ask()
        begun, running = begun + 1, running + 1
        local stream = session:request(headers, {endStream = body == nil})
        stream:on("response", on_response)
        stream:on("data", on_data)
        stream:on("close", on_close)
        if body then
            stream:finish(body)
        end
    end

    function on_close()
        done, running = done + 1, running - 1
        last = socket.gettime()
        if begun < limit and last - first < seconds then
            ask()
        elseif running == 0 then
            clock = os.clock()
            session:close()
        end
    end

    for _ = 1, math.min(streams, limit - begun) do
        ask()
    end
end

for _ = 1, sessions do
    load()
end
http2.run()
print(("%d requests in %.6f s, %.6f of the processor"):format(done, last - first,
    clock - first_clock))
