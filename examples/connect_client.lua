-- Speaks to a TCP server through a CONNECT proxy.
-- Usage: connect_client.lua PROXY-URL HOST:PORT TEXT
local http2 = require("http2")

local session = http2.connect(arg[1])

-- A CONNECT request has neither :path nor :scheme.
local stream = session:request({[":method"] = "CONNECT", [":authority"] = arg[2]})

stream:on("response", function(headers)
    io.stderr:write("status ", headers[":status"], "\n")
end)
stream:setEncoding("utf8")
local said = ""
stream:on("data", function(chunk)
    said = said .. chunk
end)
stream:on("end", function()
    print("The server says: " .. said)
end)
stream:on("error", function(err)
    print(err)
end)
stream:on("close", function()
    session:close()
end)
stream:finish(arg[3])

http2.run()
