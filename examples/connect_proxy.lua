-- A proxy for TCP connections by the method CONNECT. Usage: connect_proxy.lua PORT
local http2 = require("http2")
local net = require("http2.net")

local constants = http2.constants
local proxy = http2.createServer()

proxy:on("stream", function(stream, headers)
    if headers[":method"] ~= "CONNECT" then
        stream:close(constants.NGHTTP2_REFUSED_STREAM)
        return
    end
    -- It is a good idea to look here whether this proxy should connect to that host and port.
    local host, port = headers[":authority"]:match("^(.*):(%d+)$")
    if not host then
        stream:close(constants.NGHTTP2_CONNECT_ERROR)
        return
    end
    local socket = net.connect(tonumber(port), host)
    socket:on("connect", function()
        stream:respond()
        socket:pipe(stream)
        stream:pipe(socket)
    end)
    socket:on("error", function()
        stream:close(constants.NGHTTP2_CONNECT_ERROR)
    end)
    stream:on("close", function()
        socket:destroy()
    end)
end)

proxy:listen(tonumber(arg[1]), "127.0.0.1", function()
    print("listening on http://127.0.0.1:" .. proxy:address().port)
end)

http2.run()
