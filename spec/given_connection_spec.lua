-- Sessions over connections that the program gives to servers: performServerHandshake, and
-- server:emit("connection").
local http2 = require("http2")
local cert = require("spec.support.cert")
local duplex_pair = require("spec.support.duplex_pair")
local loop = require("spec.support.loop")
local net = require("http2.net")
local pair = require("spec.support.pair")
local raised_code = require("spec.support.raised")
local rawpeer = require("spec.support.rawpeer")
local timers = require("http2.timers")

local echo, exchange = pair.echo, pair.exchange

describe("performServerHandshake", function()
    after_each(loop.clean)

    it("makes a server's session of a socket, without a server", function()
        local got, closed
        local listener
        listener = net.createServer(function(socket)
            local session = http2.performServerHandshake(socket,
                {settings = {maxConcurrentStreams = 3}})
            assert.equal(0, session.type)
            assert.is_nil(session.server)
            assert.equal("127.0.0.1", session.socket.remoteAddress)
            assert.equal("ERR_HTTP2_SOCKET_BOUND",
                raised_code(http2.performServerHandshake, socket))
            session:on("stream", echo)
            socket:on("close", function()
                closed = true
            end)
        end)
        listener:listen(0, "127.0.0.1", function()
            local session = http2.connect("http://127.0.0.1:" .. listener:address().port)
            exchange(session, "hello", function(body)
                got = body
                assert.equal(3, session.remoteSettings.maxConcurrentStreams)
                session:close()
                listener:close()
            end)
        end)
        loop.run()
        assert.equal("hello", got)
        assert.is_true(closed)
    end)

    it("takes over what the socket has read already", function()
        local got, first
        local listener
        listener = net.createServer(function(socket)
            socket:once("readable", function()
                first = socket.readableLength
                http2.performServerHandshake(socket):on("stream", echo)
            end)
        end)
        listener:listen(0, "127.0.0.1", function()
            local session = http2.connect("http://127.0.0.1:" .. listener:address().port)
            exchange(session, "hello", function(body)
                got = body
                session:close()
                listener:close()
            end)
        end)
        loop.run()
        assert.is_true(first > 0)
        assert.equal("hello", got)
    end)

    it("leaves errors of its session to the program", function()
        local a, b = duplex_pair()
        http2.performServerHandshake(b)
        timers.setTimeout(function()
            a:write("no preface at all, but something else")
        end, 1)
        local ok, err = pcall(http2.run)
        assert.is_false(ok)
        assert.equal("ERR_HTTP2_ERROR", err.code)
        loop.run()
    end)

    it("refuses what is no Duplex, and wrong options", function()
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(http2.performServerHandshake))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(http2.performServerHandshake, {}))
        local a = duplex_pair()
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(http2.performServerHandshake, a, 1))
        assert.equal("ERR_OUT_OF_RANGE", raised_code(http2.performServerHandshake, a,
            {unknownProtocolTimeout = -1}))
        loop.track(http2.performServerHandshake(a))
        loop.clean()
    end)
end)

describe("a connection given to a server", function()
    after_each(loop.clean)

    it("counts, and keeps close waiting", function()
        local server = pair.serve({}, function() end)
        local counts = {}
        rawpeer.port_of(server)
        local _, b = duplex_pair()
        server:emit("connection", b)
        server:getConnections(function(_, count)
            counts[1] = count
        end)
        local closed
        server:close(function()
            closed = true
        end)
        rawpeer.turn_for(0.05)
        assert.is_nil(closed)
        b:destroy()
        assert(rawpeer.turn_until(function() return closed end))
        assert.equal(1, counts[1])
    end)

    it("may be a socket of another listener, which TLS begins on", function()
        local got
        local server = http2.createSecureServer{
            key = cert.read("server.key"), cert = cert.read("server.crt"),
        }
        server:on("stream", echo)
        local listener
        listener = net.createServer(function(socket)
            server:emit("connection", socket)
        end)
        listener:listen(0, "127.0.0.1", function()
            local session = http2.connect("https://localhost:" .. listener:address().port,
                {ca = cert.read("ca.crt")})
            exchange(session, "x", function(body)
                got = body
                session:close()
                listener:close()
            end)
        end)
        loop.run()
        assert.equal("x", got)
    end)

    it("may be a TLS socket, by secureConnection", function()
        local got, unknown
        local server = http2.createSecureServer{
            key = cert.read("server.key"), cert = cert.read("server.crt"),
        }
        server:on("stream", echo)
        server:on("unknownProtocol", function(socket)
            unknown = socket.alpnProtocol
            socket:destroy()
        end)
        local listener
        listener = net.tls.createServer({
            key = cert.read("server.key"), cert = cert.read("server.crt"),
            ALPNProtocols = {"h2", "other"},
        }, function(socket)
            server:emit("secureConnection", socket)
        end)
        listener:listen(0, "127.0.0.1", function()
            local port = listener:address().port
            local session = http2.connect("https://localhost:" .. port, {ca = cert.read("ca.crt")})
            exchange(session, "x", function(body)
                got = body
                session:close()
                local other = net.tls.connect{
                    port = port, host = "127.0.0.1", servername = "localhost",
                    ca = cert.read("ca.crt"), ALPNProtocols = {"other"},
                }
                other:on("error", function() end)
                other:resume()
                other:on("close", function()
                    listener:close()
                end)
            end)
        end)
        loop.run()
        assert.equal("x", got)
        assert.equal("other", unknown)
    end)

    it("must be a Duplex", function()
        local server = http2.createServer()
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(server.emit, server, "connection"))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(server.emit, server, "connection", {}))
    end)
end)
