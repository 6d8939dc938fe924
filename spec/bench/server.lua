-- Answers every request with 13 octets: server.lua PORT [FOLDER with key.pem and cert.pem]
local http2 = require("http2")

local function read(path)
    local file = assert(io.open(path, "rb"))
    local content = file:read("*a")
    file:close()
    return content
end

local port, folder = tonumber(arg[1]), arg[2]
local server
if folder then
    server = http2.createSecureServer{
        key = read(folder .. "/key.pem"), cert = read(folder .. "/cert.pem"),
    }
else
    server = http2.createServer()
end

local headers = {[":status"] = 200, ["content-type"] = "text/plain", ["content-length"] = 13}
server:on("stream", function(stream)
    stream:respond(headers)
    stream:finish("hello, world\n")
end)
server:listen(port, "127.0.0.1")
http2.run()
