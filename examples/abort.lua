-- A request that is given up, by hand or after a time.
local http2 = require("http2")

local server = http2.createServer()

server:on("stream", function(stream)
    stream:on("aborted", function()
        print("the server stops working on it")
    end)
end)

server:listen(0, "127.0.0.1", function()
    local session = http2.connect("http://127.0.0.1:" .. server:address().port)
    local controller = http2.AbortController()
    local timed = http2.AbortSignal.timeout(500)
    local left = 2

    for _, signal in ipairs{controller.signal, timed} do
        local stream = session:request({[":path"] = "/slow"}, {signal = signal})
        stream:on("error", function(err)
            print(err.name, err.cause.message or err.cause)
        end)
        stream:on("close", function()
            left = left - 1
            if left == 0 then
                session:close()
                server:close()
            end
        end)
    end
    session:on("connect", function()
        session:ping(function()
            controller:abort("not needed any more")
        end)
    end)
end)

http2.run()
