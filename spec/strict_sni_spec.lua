-- The option strictSni of secure servers.
local http2 = require("http2")
local cert = require("spec.support.cert")
local loop = require("spec.support.loop")
local net = require("http2.net")
local process = require("spec.support.process")
local rawpeer = require("spec.support.rawpeer")

local function keys_of(name)
    return {key = cert.read(name .. ".key"), cert = cert.read(name .. ".crt")}
end

local function serve(options)
    local all = keys_of("server")
    all.strictSni = true
    for key, value in pairs(options or {}) do
        all[key] = value
    end
    local server = loop.track(http2.createSecureServer(all))
    server:on("request", function(_, response)
        response:finish("served")
    end)
    server:listen(0, "127.0.0.1")
    return server, rawpeer.port_of(server)
end

-- What becomes of one request after the other, on one connection whose name is `servername`.
local function ask(port, servername, requests)
    local session = loop.track(http2.connect("https://127.0.0.1:" .. port,
        {ca = cert.read("ca.crt"), servername = servername, rejectUnauthorized = false}))
    local seen = {}
    for _, headers in ipairs(requests) do
        local is_closed
        local stream = session:request(headers, {endStream = headers[":method"] ~= "POST"})
        stream:on("response", function(response)
            seen[#seen + 1] = response[":status"]
        end)
        stream:on("error", function(err)
            seen[#seen + 1] = err.code
        end)
        stream:on("close", function()
            is_closed = true
        end)
        stream:resume()
        assert(rawpeer.turn_until(function() return is_closed end))
    end
    session:destroy()
    return seen
end

local function hosts(...)
    local requests = {}
    for _, authority in ipairs{...} do
        requests[#requests + 1] = {[":authority"] = authority}
    end
    return requests
end

describe("a server with strictSni", function()
    after_each(loop.clean)

    it("answers 421 for a host with another certificate, and goes on", function()
        local server, port = serve()
        server:addContext("other.example", keys_of("wrong-name"))
        server:addContext("*.many.example", keys_of("stranger"))
        assert.same({200, 421, 200, 200, 421, 421, 200, 200}, ask(port, "localhost", hosts(
            "localhost", "other.example", "localhost:8443", "LOCALHOST", "Other.Example:443",
            "a.many.example", "third.example", "127.0.0.1:8443")))
        assert.same({421, 200, 421}, ask(port, "other.example", hosts("localhost",
            "other.example", "127.0.0.1")))
        assert.same({200, 200, 421}, ask(port, "a.many.example", hosts("a.many.example:1",
            "b.many.example", "many.example")))
    end)

    it("goes by the default certificate where no name is sent", function()
        local server, port = serve()
        server:addContext("other.example", keys_of("wrong-name"))
        assert.same({200, 421, 200, 200}, ask(port, "127.0.0.1", hosts("localhost",
            "other.example", "127.0.0.1", "[::1]:443")))
    end)

    it("looks at host, too", function()
        local server, port = serve()
        server:addContext("other.example", keys_of("wrong-name"))
        assert.same({421}, ask(port, "localhost", {{host = "other.example"}}))
    end)

    it("wants no body of such a request", function()
        local server, port = serve()
        server:addContext("other.example", keys_of("wrong-name"))
        assert.same({421, 200}, ask(port, "localhost", {
            {[":method"] = "POST", [":authority"] = "other.example"}, {},
        }))
    end)

    it("takes SNICallback's word for the name it was asked about alone", function()
        local context = net.tls.createSecureContext(keys_of("wrong-name"))
        local _, port = serve{SNICallback = function(_, done)
            done(nil, context)
        end}
        assert.same({200, 421}, ask(port, "other.example", hosts("other.example", "localhost")))
        assert.same({421, 200}, ask(port, "127.0.0.1", hosts("other.example", "127.0.0.1")))
    end)

    it("answers so over HTTP/1.1", function()
        local server, port = serve{allowHTTP1 = true}
        server:addContext("other.example", keys_of("wrong-name"))
        local function said(host)
            local client = process.start{"curl", "-s", "-i", "--http1.1", "--cacert",
                cert.path("ca.crt"), "-H", "host: " .. host, "https://localhost:" .. port}
            assert(rawpeer.turn_until(function() return not client:is_alive() or nil end))
            local output = client:output()
            client:stop()
            return output
        end
        assert.truthy(said("localhost"):find("^HTTP/1.1 200 OK"))
        assert.truthy(said("other.example"):find("^HTTP/1.1 421 Misdirected Request"))
    end)

    it("is not what servers are by themselves, and takes a boolean", function()
        local server, port = serve{strictSni = false}
        server:addContext("other.example", keys_of("wrong-name"))
        assert.same({200}, ask(port, "localhost", hosts("other.example")))
        local ok, err = pcall(http2.createSecureServer, {strictSni = "yes"})
        assert.is_false(ok)
        assert.equal("ERR_INVALID_ARG_TYPE", err.code)
    end)
end)
