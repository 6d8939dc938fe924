-- Sessions over connections that the program brings to connect: sockets, and any Duplex.
local http2 = require("http2")
local cert = require("spec.support.cert")
local duplex_pair = require("spec.support.duplex_pair")
local loop = require("spec.support.loop")
local net = require("http2.net")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local raised_code = require("spec.support.raised")
local timers = require("http2.timers")

local echo, exchange = pair.echo, pair.exchange

describe("a Duplex of Lua's", function()
    after_each(loop.clean)

    it("carries sessions on both sides, and is destroyed with them", function()
        local a, b = duplex_pair()
        local octets, got = payload.make(300000), nil
        local server = http2.createServer()
        server:on("stream", echo)
        server:emit("connection", b)
        local session = http2.connect("http://localhost", {createConnection = function()
            return a
        end})
        assert.is_false(session.connecting)
        exchange(session, octets, function(body)
            got = body
            session:close()
        end)
        loop.run()
        assert.is_nil(payload.difference(got, octets))
        assert.is_true(a.destroyed and b.destroyed)
    end)

    it("holds the session back when it is full", function()
        local a, b = duplex_pair(1000)
        local octets, got = payload.make(100000), nil
        local server = http2.createServer()
        server:on("stream", echo)
        server:emit("connection", b)
        local session = http2.connect("http://localhost", {createConnection = function()
            return a
        end})
        exchange(session, octets, function(body)
            got = body
            session:close()
        end)
        loop.run()
        assert.is_nil(payload.difference(got, octets))
        assert.is_true(a.full > 0 and b.full > 0)
    end)

    it("carries TLS as well", function()
        local a, b = duplex_pair()
        local got, events = nil, {}
        local server = http2.createSecureServer{
            key = cert.read("server.key"), cert = cert.read("server.crt"),
        }
        server:on("stream", function(stream)
            assert.is_true(stream.session.encrypted)
            stream:respond()
            stream:finish("over TLS")
        end)
        pair.log(events, "", server, {"connection", "session", "secureConnection"})
        server:emit("connection", b)
        -- The other end of the wire: a client's socket, whose octets a listener passes on.
        local listener = net.createServer(function(socket)
            socket:on("data", function(octets)
                a:write(octets)
            end)
            a:on("data", function(octets)
                if socket.writable then
                    socket:write(octets)
                end
            end)
            a:resume()
            socket:on("end", function()
                a:finish()
            end)
        end)
        listener:listen(0, "127.0.0.1", function()
            local session = http2.connect("https://localhost:" .. listener:address().port,
                {ca = cert.read("ca.crt")})
            pair.collect(session:request(), function(body)
                got = body
                session:close()
                listener:close()
            end)
        end)
        loop.run()
        assert.equal("over TLS", got)
        assert.same({"connection", "session", "secureConnection"}, events)
    end)

    it("that connects later keeps requests waiting", function()
        local a, b = duplex_pair()
        local events = {}
        a.connecting = true
        local server = http2.createServer()
        server:on("stream", echo)
        local session = http2.connect("http://localhost", {createConnection = function()
            return a
        end})
        assert.is_true(session.connecting)
        pair.log(events, "", session, {"connect", "close"})
        local stream = exchange(session, "x", function(body)
            events[#events + 1] = body
            session:close()
        end)
        assert.is_true(stream.pending)
        timers.setTimeout(function()
            server:emit("connection", b)
            a.connecting = false
            a.emitter:emit("connect")
        end, 20)
        loop.run()
        assert.same({"connect", "x", "close"}, events)
    end)

    -- The errors of a session, and of a stream on it, whose connection is destroyed with `reason`.
    local function destroyed_by(connection, reason)
        local of_session, of_stream
        local session = http2.connect("http://localhost", {createConnection = function()
            return connection
        end})
        session:on("error", function(err)
            of_session = err
        end)
        exchange(session, "x", function(_, err)
            of_stream = err
        end)
        timers.setTimeout(function()
            connection:destroy(reason)
        end, 10)
        loop.run()
        return of_session, of_stream
    end

    it("that fails ends the session with its own error", function()
        local of_session, of_stream = destroyed_by(duplex_pair(), "mine")
        assert.equal("mine", of_session.message)
        assert.equal(of_session, of_stream)
    end)

    it("that closes before it has connected is an error", function()
        local connection = duplex_pair()
        connection.connecting = true
        local of_session, of_stream = destroyed_by(connection)
        assert.equal("ERR_SOCKET_CLOSED", of_session.code)
        assert.equal("ERR_HTTP2_STREAM_CANCEL", of_stream.code)
    end)

    it("that closes in the middle ends the session without an error", function()
        local a, b = duplex_pair()
        local server, events = http2.createServer(), {}
        server:on("stream", function() end)
        server:emit("connection", b)
        local session = http2.connect("http://localhost", {createConnection = function()
            return a
        end})
        pair.log(events, "", session, {"error", "close"})
        local stream = session:request()
        timers.setTimeout(function()
            a:destroy()
            b:destroy()
        end, 20)
        loop.run()
        assert.same({"close"}, events)
        assert.equal(8, stream.rstCode)
    end)

    it("whose write raises ends its session, and the error is nobody's", function()
        local a = duplex_pair()
        a.write = function()
            error("cannot write", 0)
        end
        local closed
        local session = http2.connect("http://localhost", {createConnection = function()
            return a
        end})
        session:on("error", function() end)
        session:on("close", function()
            closed = true
        end)
        local ok, err = pcall(http2.run)
        assert.is_false(ok)
        assert.truthy(tostring(err):find("cannot write", 1, true))
        loop.run()
        assert.is_true(closed)
    end)
end)

describe("createConnection", function()
    after_each(loop.clean)

    it("gets the authority and a copy of the options, for any protocol", function()
        local a, b = duplex_pair()
        local options = {extra = 1}
        local got
        local server = http2.createServer()
        server:on("stream", echo)
        server:emit("connection", b)
        options.createConnection = function(authority, copy)
            got = {authority, copy}
            return a
        end
        local session = loop.track(http2.connect("foo://[::1]:81/path", options))
        assert.equal("foo:", got[1].protocol)
        assert.equal("[::1]", got[1].hostname)
        assert.equal("[::1]:81", got[1].host)
        assert.equal(81, got[1].port)
        assert.equal("foo://[::1]:81", got[1].origin)
        assert.equal("foo://[::1]:81/path", got[1].href)
        assert.equal(1, got[2].extra)
        assert.not_equal(options, got[2])
        session:destroy()
        loop.run()
    end)

    it("must give a Duplex, and one without a session", function()
        local a = duplex_pair()
        local function connect(value)
            return function()
                return http2.connect("http://localhost", {createConnection = function()
                    return value
                end})
            end
        end
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(connect(nil)))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(connect({})))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(connect("socket")))
        for _, name in ipairs{"on", "pause", "resume", "write", "finish", "destroy"} do
            local part = setmetatable({}, {__index = function(_, key)
                return key ~= name and a[key] or nil
            end})
            assert.equal("ERR_INVALID_ARG_TYPE", raised_code(connect(part)))
        end
        loop.track(connect(a)())
        assert.equal("ERR_HTTP2_SOCKET_BOUND", raised_code(connect(a)))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(http2.connect, "http://localhost",
            {createConnection = 1}))
        loop.clean()
    end)

    it("may give a socket that connects still, and shows its facts", function()
        local got, socket, closed = nil, nil, false
        local server
        server = pair.serve({}, function(port)
            local session = http2.connect("http://elsewhere.example:81", {
                createConnection = function()
                    socket = net.connect(port, "127.0.0.1")
                    socket:on("close", function()
                        closed = true
                    end)
                    return socket
                end,
            }, function(session, proxy)
                assert.equal(port, proxy.remotePort)
                assert.equal("127.0.0.1", session.socket.remoteAddress)
                assert.equal(proxy, session.socket)
            end)
            assert.is_true(session.connecting)
            pair.collect(session:request(), function(body)
                got = body
                assert.is_true(socket.bytesRead > 0)
                session:close()
                server:close()
            end)
        end)
        server:on("stream", function(stream, headers)
            stream:respond()
            stream:finish(headers[":authority"])
        end)
        loop.run()
        assert.equal("elsewhere.example:81", got)
        assert.is_true(closed)
    end)

    it("may give a TLS socket", function()
        local got
        pair.play{
            tls = true,
            server = function(server)
                server:on("stream", function(stream)
                    stream:respond()
                    stream:finish(stream.session.socket.servername)
                end)
            end,
            client = function(first, server)
                local session = http2.connect("https://whatever.example", {
                    createConnection = function()
                        return net.tls.connect{
                            port = server:address().port, host = "127.0.0.1",
                            servername = "localhost", ca = cert.read("ca.crt"),
                            ALPNProtocols = {"h2"},
                        }
                    end,
                })
                pair.collect(session:request(), function(body)
                    got = body
                    assert.is_true(session.encrypted)
                    assert.equal("h2", session.alpnProtocol)
                    assert.is_true(session.socket.authorized)
                    session:close()
                    first:close()
                end)
            end,
        }
        assert.equal("localhost", got)
    end)

    it("of a socket that cannot connect fails the session", function()
        local err
        local session = http2.connect("http://localhost", {createConnection = function()
            return net.connect(1, "127.0.0.1")
        end})
        session:on("error", function(e)
            err = e
        end)
        loop.run()
        assert.equal("ECONNREFUSED", err.code)
    end)
end)
