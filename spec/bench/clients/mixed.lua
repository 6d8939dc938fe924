-- Keeps 64 streams of 1 MiB going on one session, and beside them asks for 13 octets, one small
-- request at a time: mixed.lua origin=URL seconds=S. Prints the median and the 99th percentile of
-- the small ones' milliseconds, and the large ones' MB/s.
local http2 = require("http2")
local socket = require("socket")
local timers = require("http2.timers")

local options = {}
for _, argument in ipairs(arg) do
    local name, value = argument:match("^(%w+)=(.*)$")
    options[name] = value
end

local large, size = 64, 1 << 20
local seconds = tonumber(options.seconds)
local session = http2.connect(options.origin, {settings = {initialWindowSize = size}})
session:setLocalWindowSize(large * size)
local latencies, octets, first = {}, 0, socket.gettime()

local function is_over()
    return socket.gettime() - first >= seconds
end

local function ask_large()
    local stream = session:request{[":path"] = "/" .. size}
    stream:on("data", function(chunk) octets = octets + #chunk end)
    stream:on("end", function()
        if is_over() then
            session:destroy()
        else
            ask_large()
        end
    end)
    stream:on("error", function() end)
end

local function ask_small()
    local sent = socket.gettime()
    local stream = session:request{[":path"] = "/13"}
    stream:on("data", function() end)
    stream:on("end", function()
        latencies[#latencies + 1] = (socket.gettime() - sent) * 1000
        timers.setTimeout(ask_small, 1)
    end)
    stream:on("error", function() end)
end

session:on("connect", function()
    for _ = 1, large do
        ask_large()
    end
    ask_small()
end)
session:on("close", function() os.exit(true) end)
session:on("error", function() end)

timers.setTimeout(function()
    table.sort(latencies)
    local count = #latencies
    print(("%.4f %.4f %.1f"):format(latencies[math.ceil(count / 2)],
        latencies[math.ceil(count * 0.99)], octets / (socket.gettime() - first) / 1e6))
    os.exit(true)
end, seconds * 1000)
http2.run()
