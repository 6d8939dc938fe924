-- Serves one request to itself over the installed module and prints what came back.
local http2 = require("http2")

local server = http2.createServer()
server:on("stream", function(stream, headers)
    stream:respond{[":status"] = 200}
    stream:finish("you asked for " .. headers[":path"])
end)

server:listen(0, "127.0.0.1", function()
    local session = http2.connect("http://127.0.0.1:" .. server:address().port)
    local stream = session:request{[":path"] = "/installed"}
    local body = {}
    stream:on("data", function(chunk)
        body[#body + 1] = chunk
    end)
    stream:on("close", function()
        print(table.concat(body))
        session:close()
        server:close()
    end)
    stream:finish()
end)

http2.run()
