-- A state that was closed with a connection of HTTP/1.1 open closed that connection's timer twice.
local cert = require("spec.support.cert")
local process = require("spec.support.process")

local program = [[
    local http2, net = require("http2"), require("http2.net")
    local function read(path)
        local file = assert(io.open(path))
        return file:read("*a")
    end
    local server = http2.createSecureServer({
        key = read(arg[1]), cert = read(arg[2]), allowHTTP1 = true, keepAliveTimeout = 60000,
    }, function(_, response)
        response:finish("x")
    end)
    server:listen(0, "127.0.0.1", function()
        local client = net.tls.connect{port = server:address().port, host = "127.0.0.1",
            rejectUnauthorized = false, ALPNProtocols = {"http/1.1"}}
        client:on("secureConnect", function()
            client:write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        end)
        client:on("data", function()
            io.write("answered\n")
            os.exit(0, true)
        end)
    end)
    http2.run()
]]

describe("A state that is closed with a connection of HTTP/1.1 open", function()
    it("ends in order", function()
        local folder = process.folder()
        finally(function() process.remove(folder) end)
        process.write_file(folder .. "/program.lua", program)
        local result = process.run({process.interpreter(), folder .. "/program.lua",
            cert.path("server.key"), cert.path("server.crt")}, {ours = true})
        assert.equal("", result.err)
        assert.equal("answered\n", result.out)
        assert.equal(0, result.status)
    end)
end)
