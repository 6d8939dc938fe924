-- Lua's allocations fail, one after the other, while a connection of HTTP/1.1 is served: nothing
-- may crash, leak or go round for ever, and the server serves on.
local cert = require("spec.support.cert")
local process = require("spec.support.process")
local starving = require("spec.support.starving")

local program = [[
local http2 = require("http2")
local net = require("http2.net")
local function nothing() end
local big = ("x"):rep(3000) -- Lua makes what its buffers need once
local function read(name)
    local file = assert(io.open("build/spec-certs/" .. name, "rb"))
    local content = file:read("a")
    file:close()
    return content
end

local server = http2.createSecureServer({key = read("server.key"), cert = read("server.crt"),
    allowHTTP1 = true}, function(request, response)
    request:on("data", nothing)
    request:on("aborted", nothing)
    response:on("close", nothing)
    request:on("end", function()
        response:setHeader("x-field", {"a", "b"})
        response:setTrailer("x-trailer", "value")
        response:write(big, nothing)
        response:finish(request.url .. request.headers.host, nothing)
    end)
end)
server:on("handlerError", nothing)
server:on("secureConnection", nothing)
http2.onUncaught(nothing)
server:listen(0, "127.0.0.1")
local address
repeat
    http2.run("once")
    address = server:address()
until address

local deadline = os.time() + 60
local function connect()
    local client = net.tls.connect{port = address.port, host = "127.0.0.1", ca = read("ca.crt"),
        ALPNProtocols = {"http/1.1"}}
    local is_ready = false
    client:on("error", nothing)
    client:on("secureConnect", function()
        is_ready = true
    end)
    repeat
        http2.run("once")
        assert(os.time() < deadline, "no connection")
    until is_ready
    return client
end

local post = "POST /post HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    .. "5\r\nhello\r\n0\r\nX-T: y\r\n\r\n"
local client = connect()
client:resume()
client:write(post .. post)
arm(true)
for _ = 1, 60 do
    pcall(http2.run, "nowait")
end
arm(false)
client:destroy()

local said = ""
local probe = connect()
probe:on("data", function(chunk)
    said = said .. chunk
end)
probe:write((post:gsub("Host", "Connection: close\r\nHost")))
repeat
    http2.run("nowait")
    assert(os.time() < deadline, said)
until said:find("/posta", 1, true)
probe:destroy()
server:close()
repeat
    assert(os.time() < deadline, "it does not end")
until not http2.run("nowait")
]]

describe("A server of HTTP/1.1 that runs out of memory", function()
    if _VERSION == "Lua 5.1" then
        return -- LuaJIT allocates for itself
    end

    local folder

    setup(function()
        cert.read("ca.crt") -- made here, once
        folder = starving.build()
    end)

    teardown(function()
        process.remove(folder)
    end)

    it("goes on, whichever allocation fails", function()
        starving.run(folder, program, 1)
    end)
end)
