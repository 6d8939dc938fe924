--- Servers of http2.net for one spec, and notes of events.
local loop = require("spec.support.loop")
local net = require("http2.net")

local servers = {}

--- A server that listens on a free port of the loopback; `fn(server, port)` follows.
function servers.listen(on_connection, fn, options)
    local server = loop.track(net.createServer(options, on_connection))
    server:listen(0, "127.0.0.1", function()
        fn(server, server:address().port)
    end)
    return server
end

--- Notes the named events of an object in `log`.
function servers.watch(log, object, ...)
    for _, event in ipairs{...} do
        object:on(event, function()
            log[#log + 1] = event
        end)
    end
end

return servers
