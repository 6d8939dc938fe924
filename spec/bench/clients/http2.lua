-- A client with one session: http2.lua origin=URL path=P streams=N [method=POST size=N] and either
-- seconds=S or requests=N. Prints how many requests were answered, in how many seconds, and in how
-- many of the processor, from the first request to the last answer.
local http2 = require("http2")
local socket = require("socket")

local options = {method = "GET", size = "0"}
for _, argument in ipairs(arg) do
    local name, value = argument:match("^(%w+)=(.*)$")
    options[name] = value
end

local body = options.method == "POST" and ("x"):rep(tonumber(options.size)) or nil
local headers = {[":method"] = options.method, [":path"] = options.path}
local limit = tonumber(options.requests) or math.huge
local seconds = tonumber(options.seconds) or math.huge
local begun, done, last, first = 0, 0, nil, socket.gettime()
local clock, first_clock = nil, os.clock()

local session = http2.connect(options.origin, {rejectUnauthorized = false})
local ask

local function on_close()
    done = done + 1
    last, clock = socket.gettime(), os.clock()
    if begun < limit and last - first < seconds then
        ask()
    elseif done == begun then
        session:close()
    end
end

local function on_response(answer)
    assert(answer[":status"] == 200, "an answer that is not 200")
end

local function on_data() end

function ask()
    begun = begun + 1
    local stream = session:request(headers, {endStream = body == nil})
    stream:on("response", on_response)
    stream:on("data", on_data)
    stream:on("close", on_close)
    if body then
        stream:finish(body)
    end
end

for _ = 1, math.min(tonumber(options.streams), limit) do
    ask()
end
http2.run()
print(("%d requests in %.6f s, %.6f of the processor"):format(done, last - first,
    clock - first_clock))
