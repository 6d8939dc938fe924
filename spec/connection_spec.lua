-- Sessions over connections that the program brings: sockets of http2.net, and any Duplex.
local core = require("http2_core")
local http2 = require("http2")
local cert = require("spec.support.cert")
local loop = require("spec.support.loop")
local net = require("http2.net")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local rawpeer = require("spec.support.rawpeer")
local timers = require("http2.timers")

local Duplex = {}
Duplex.__index = Duplex

-- One end of a pipe in memory, a plain Lua table; `high_water` octets lie at the most before write
-- says false.
local function new_duplex(high_water)
    return setmetatable({
        emitter = core.EventEmitter(), queue = {}, size = 0, is_flowing = false,
        high_water = high_water or 16384, full = 0,
    }, Duplex)
end

function Duplex:on(name, listener)
    self.emitter:on(name, listener)
    return self
end

function Duplex:later(fn)
    timers.setImmediate(function()
        fn(self)
    end)
end

function Duplex:deliver()
    while self.is_flowing and #self.queue > 0 do
        local octets = table.remove(self.queue, 1)
        if octets == false then
            self.emitter:emit("end")
        else
            self.size = self.size - #octets
            self.emitter:emit("data", octets)
        end
    end
    if self.peer.is_full and self.size < self.high_water then
        self.peer.is_full = false
        self.peer.emitter:emit("drain")
    end
end

function Duplex:resume()
    self.is_flowing = true
    self:later(self.deliver)
end

function Duplex:pause()
    self.is_flowing = false
end

function Duplex:write(octets)
    local peer = self.peer
    peer.queue[#peer.queue + 1] = octets
    peer.size = peer.size + #octets
    peer:later(peer.deliver)
    self.is_full = peer.size >= peer.high_water
    self.full = self.full + (self.is_full and 1 or 0)
    return not self.is_full
end

function Duplex:finish()
    self.peer.queue[#self.peer.queue + 1] = false
    self.peer:later(self.peer.deliver)
    self:later(function()
        self.emitter:emit("finish")
    end)
end

function Duplex:destroy(err)
    if self.destroyed then
        return
    end
    self.destroyed = true
    self:later(function()
        if err then
            self.emitter:emit("error", err)
        end
        self.emitter:emit("close")
    end)
end

local function duplex_pair(high_water)
    local a, b = new_duplex(high_water), new_duplex(high_water)
    a.peer, b.peer = b, a
    return a, b
end

local function echo(stream)
    stream:respond()
    stream:pipe(stream)
end

-- Sends `octets` over the session and back: `done` gets what came.
local function exchange(session, octets, done)
    local stream = session:request{[":method"] = "POST"}
    stream:on("error", function(err)
        done(nil, err)
    end)
    pair.collect(stream, done)
    stream:finish(octets)
    return stream
end

local function raised_code(fn, ...)
    local ok, err = pcall(fn, ...)
    assert(not ok, "nothing was raised")
    assert(http2.isError(err), tostring(err))
    return err.code
end

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

    it("that fails ends the session with its own error", function()
        local a = duplex_pair()
        local got, stream_err
        local session = http2.connect("http://localhost", {createConnection = function()
            return a
        end})
        session:on("error", function(err)
            got = err
        end)
        exchange(session, "x", function(_, err)
            stream_err = err
        end)
        timers.setTimeout(function()
            a:destroy("mine")
        end, 10)
        loop.run()
        assert.equal("mine", got.message)
        assert.equal(got, stream_err)
    end)

    it("that closes before it has connected is an error", function()
        local a = duplex_pair()
        a.connecting = true
        local got, stream_err
        local session = http2.connect("http://localhost", {createConnection = function()
            return a
        end})
        session:on("error", function(err)
            got = err
        end)
        exchange(session, "x", function(_, err)
            stream_err = err
        end)
        timers.setTimeout(function()
            a:destroy()
        end, 10)
        loop.run()
        assert.equal("ERR_SOCKET_CLOSED", got.code)
        assert.equal("ERR_HTTP2_STREAM_CANCEL", stream_err.code)
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
