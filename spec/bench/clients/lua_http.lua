-- The same as http2.lua beside it, on lua-http; GET and POST for a number of seconds.
local cqueues = require("cqueues")
local http_client = require("http.client")
local http_headers = require("http.headers")

local options = {method = "GET", size = "0", sessions = "1"}
for _, argument in ipairs(arg) do
    local name, value = argument:match("^(%w+)=(.*)$")
    options[name] = value
end
local host, port = options.origin:match("^http://([%d.]+):(%d+)$")
local body = options.method == "POST" and ("x"):rep(tonumber(options.size)) or nil
local seconds = tonumber(options.seconds)

local done, last, first = 0, nil, cqueues.monotime()
local clock, first_clock = nil, os.clock()
local loop = cqueues.new()

local function ask(connection)
    local headers = http_headers.new()
    headers:append(":method", options.method)
    headers:append(":scheme", "http")
    headers:append(":authority", host .. ":" .. port)
    headers:append(":path", options.path)
    local stream = assert(connection:new_stream())
    assert(stream:write_headers(headers, body == nil))
    if body then
        assert(stream:write_chunk(body, true))
    end
    local answer = assert(stream:get_headers())
    assert(answer:get(":status") == "200", "an answer that is not 200")
    while stream:get_next_chunk() do end
    stream:shutdown()
end

local function load()
    local connection = assert(http_client.connect{
        host = host, port = tonumber(port), version = 2, tls = false,
    })
    local running = tonumber(options.streams)
    for _ = 1, running do
        loop:wrap(function()
            repeat
                ask(connection)
                done = done + 1
                last = cqueues.monotime()
            until last - first >= seconds
            running = running - 1
            if running == 0 then
                clock = os.clock()
                connection:close()
            end
        end)
    end
end

for _ = 1, tonumber(options.sessions) do
    loop:wrap(load)
end
assert(loop:loop())
print(("%d requests in %.6f s, %.6f of the processor"):format(done, last - first,
    clock - first_clock))
