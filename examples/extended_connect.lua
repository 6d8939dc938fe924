-- Another protocol inside a stream: the extended CONNECT of RFC 8441, which WebSockets use.
local http2 = require("http2")

local server = http2.createServer({settings = {enableConnectProtocol = true}})

server:on("stream", function(stream, headers)
    if headers[":method"] ~= "CONNECT" or headers[":protocol"] ~= "echo" then
        stream:respond({[":status"] = 501}, {endStream = true})
        return
    end
    stream:respond({[":status"] = 200})
    stream:pipe(stream)
end)

server:listen(0, "127.0.0.1", function()
    local session = http2.connect("http://127.0.0.1:" .. server:address().port)
    session:once("remoteSettings", function(settings)
        if not settings.enableConnectProtocol then
            error("the server does not know extended CONNECT")
        end
        local stream = session:request({[":method"] = "CONNECT", [":protocol"] = "echo"})
        stream:on("response", function(headers)
            print("status " .. headers[":status"])
            stream:write("are you there?")
        end)
        stream:on("data", function(chunk)
            print("echoed " .. chunk)
            stream:finish()
        end)
        stream:on("close", function()
            session:close()
            server:close()
        end)
    end)
end)

http2.run()
