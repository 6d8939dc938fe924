-- The server of soak_spec.lua. It answers "/" with 13 octets, "/hang" never, and "/state" with what it
-- holds, all garbage collected: memory of Lua and resident memory in KiB, descriptors, and how many of
-- the sessions and streams that it has watched (one stream in ten) still live.
local leaks = require("spec.support.leaks")

local watched = leaks.watch()
local requests = 0

local function state()
    local alive = watched.alive()
    watched = leaks.watch()
    return ("%.0f %d %d %d"):format(leaks.collect(), leaks.resident(), leaks.descriptors(), alive)
end

local routes = {
    ["/"] = function(stream)
        stream:respond({[":status"] = 200})
        stream:finish("hello, world\n")
    end,
    ["/hang"] = function() end,
    ["/state"] = function(stream)
        stream:respond({[":status"] = 200})
        stream:finish(state())
    end,
}

local server = http2.createServer{streamResetBurst = 2 ^ 31}
server:on("session", function(session)
    watched(session)
end)
server:on("stream", function(stream, headers)
    requests = requests + 1
    if requests % 10 == 0 then
        watched(stream)
    end
    stream:on("error", function() end)
    routes[headers[":path"]](stream)
end)
server:listen(0, "127.0.0.1", function()
    io.write("listening on ", server:address().port, "\n")
    io.flush()
end)
http2.run()
