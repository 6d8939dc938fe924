-- The server of soak_spec.lua. It answers "/" with 13 octets, "/hang" never, and "/state" with
-- what it holds, all garbage collected: memory of Lua and resident memory in KiB, descriptors,
-- references by which C keeps objects alive, and how many of the sessions and streams that were
-- watched still live: one stream in ten, and its session, none of those that ask for the state.
local http2 = require("http2")
local leaks = require("spec.support.leaks")

local watched = leaks.watch()
local requests = 0

-- Free references are numbers; those for anchors, which are kept, hold false.
local function count_references()
    local count = 0
    for key, value in pairs(debug.getregistry()) do
        if type(key) == "number" and type(value) ~= "number" and value then
            count = count + 1
        end
    end
    return count
end

local function state()
    local alive = watched.alive()
    if alive == 0 then
        watched = leaks.watch() -- without the room that the dead had taken
    end
    return ("%.0f %d %d %d %d"):format(leaks.collect(), leaks.resident(), leaks.descriptors(),
        count_references(), alive)
end

local function watch(stream)
    requests = requests + 1
    if requests % 10 == 0 then
        watched(stream)
        watched(stream.session)
    end
    return stream
end

local routes = {
    ["/"] = function(stream)
        watch(stream):respond({[":status"] = 200})
        stream:finish("hello, world\n")
    end,
    ["/hang"] = watch,
    ["/state"] = function(stream)
        stream:respond({[":status"] = 200})
        stream:finish(state())
    end,
}

local server = http2.createServer{streamResetBurst = 2 ^ 31}
server:on("stream", function(stream, headers)
    stream:on("error", function() end)
    routes[headers[":path"]](stream)
end)
server:listen(0, "127.0.0.1", function()
    io.write("listening on ", server:address().port, "\n")
    io.flush()
end)
http2.run()
