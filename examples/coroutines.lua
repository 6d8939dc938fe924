-- Waits written in line: a handler that waits, and a client that reads one body after the other.
local http2 = require("http2")

local server = http2.createServer()

server:on("stream", function(stream, headers)
    local body = stream:body() -- waits for the whole request
    http2.sleep(10)
    stream:respond({[":status"] = 200})
    for _ = 1, 3 do
        stream:writeAll(body:rep(10000)) -- waits until there is room for more
    end
    stream:finish(headers[":path"])
end)

server:listen(0, "127.0.0.1", function()
    http2.spawn(function()
        local session = http2.connect("http://127.0.0.1:" .. server:address().port):ready()
        for _, path in ipairs{"/one", "/two"} do
            local stream = session:request({[":method"] = "POST", [":path"] = path})
            stream:finish("octets")
            print(path, stream:response()[":status"])
            local size = 0
            for chunk in stream:chunks() do
                size = size + #chunk
            end
            print(path, size)
        end
        session:close()
        server:close()
    end)
end)

http2.run()
