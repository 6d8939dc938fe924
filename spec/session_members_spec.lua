-- Members of sessions: what they say while the session lives, and after its end.
local http2 = require("http2")
local cert = require("spec.support.cert")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local raised_code = require("spec.support.raised")
local rawpeer = require("spec.support.rawpeer")

-- A client session and the scripted server at its other end.
local function scripted(options)
    local listener = rawpeer.listen()
    local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port, options))
    local peer = listener:accept()
    listener.close()
    peer:await_pong()
    return session, peer
end

-- A server's session, the scripted client at its other end, and the server.
local function served(handler)
    local server = loop.track(http2.createServer())
    local session
    server:on("session", function(each)
        session = each
    end)
    server:on("stream", handler or function() end)
    server:listen(0, "127.0.0.1")
    local peer = rawpeer.connect(rawpeer.port_of(server))
    peer:await_pong()
    return session, peer, server
end

describe("session:close", function()
    after_each(loop.clean)

    it("is the end at once where there is no stream", function()
        local session, peer = scripted()
        local closed
        session:close(function()
            closed = true
        end)
        assert.is_true(session.closed)
        assert.is_true(session.destroyed)
        assert.is_nil(closed)
        assert.equal("ERR_HTTP2_INVALID_SESSION", raised_code(session.request, session))
        assert.equal(0, peer:await_frame(frames.GOAWAY).code)
        peer:await_end()
        assert(rawpeer.turn_until(function() return closed end))
        session:close(error) -- does nothing
        rawpeer.turn_for(0.02)
    end)

    it("is so for servers", function()
        local session, peer = served()
        session:close()
        assert.is_true(session.destroyed)
        assert.equal(0, peer:await_frame(frames.GOAWAY).code)
        peer:await_end()
    end)

    it("is so before there is a connection", function()
        local listener = rawpeer.listen()
        local session = http2.connect("http://127.0.0.1:" .. listener.port)
        local events = {}
        pair.log(events, "", session, {"connect", "error", "close"})
        session:close()
        assert.is_true(session.destroyed)
        loop.run()
        listener.close()
        assert.same({"close"}, events)
    end)

    it("waits for streams that are open", function()
        local session, peer = scripted()
        local stream = session:request()
        stream:resume()
        session:close()
        assert.is_true(session.closed)
        assert.is_false(session.destroyed)
        assert.equal("ERR_HTTP2_GOAWAY_SESSION", raised_code(session.request, session))
        peer:await_frame(frames.HEADERS, 1)
        peer:send(frames.response(1, 200), frames.data(1, "x", frames.END_STREAM))
        peer:await_end()
        assert.is_true(session.destroyed)
        assert.equal(0, stream.rstCode)
    end)

    it("leaves a peer that reads late its time", function()
        local octets = 4 * 1024 * 1024
        local server = loop.track(http2.createServer())
        local is_destroyed
        server:on("stream", function(stream)
            local session = stream.session
            stream:respond()
            stream:finish(("x"):rep(octets))
            stream:on("close", function()
                session:close()
                is_destroyed = session.destroyed
            end)
        end)
        server:listen(0, "127.0.0.1")
        local peer = rawpeer.connect(rawpeer.port_of(server),
            {{frames.INITIAL_WINDOW_SIZE, 2 ^ 31 - 1}}, 65536)
        peer:send(frames.window_update(0, 2 ^ 31 - 1 - 65535), frames.get(1))
        rawpeer.turn_for(1.5) -- longer than one that is destroyed would wait
        local got, goaways = 0, 0
        repeat
            local frame = peer:read()
            got = got + (frame and frame.type == frames.DATA and #frame.payload or 0)
            goaways = goaways + (frame and frame.type == frames.GOAWAY and 1 or 0)
        until not frame
        assert.equal(octets, got)
        assert.is_true(goaways > 0)
        assert.is_true(is_destroyed)
    end)

    it("is what the end of a block does", function()
        local session, peer = scripted()
        do
            local closing <close> = session
            assert.is_false(closing.destroyed)
        end
        assert.is_true(session.destroyed)
        peer:await_end()
    end)
end)

describe("a session that is destroyed", function()
    after_each(loop.clean)

    it("raises for what it cannot do, and bears the rest", function()
        local client, peer = scripted()
        local server_session, other = served()
        local function nothing() end
        for _, session in ipairs{client, server_session} do
            local type, protocol = session.type, session.alpnProtocol
            local settings = session.localSettings
            session:destroy()
            local calls = {
                ping = {nothing}, settings = {{}}, goaway = {}, setLocalWindowSize = {1000},
                setNextStreamID = {1}, request = {}, altsvc = {"h2", 1}, origin = {},
            }
            for name, arguments in pairs(calls) do
                if session[name] then
                    assert.equal("ERR_HTTP2_INVALID_SESSION",
                        raised_code(session[name], session, table.unpack(arguments)), name)
                end
            end
            session:close(nothing)
            session:destroy("again")
            session:ref()
            session:unref()
            assert.equal(session, session:setTimeout(5, nothing))
            assert.same({}, session.state)
            assert.same({}, session.remoteSettings)
            assert.same(settings, session.localSettings)
            assert.equal(type, session.type)
            assert.equal(protocol, session.alpnProtocol)
            assert.is_false(session.encrypted)
            assert.is_nil(session.originSet)
            assert.is_true(session.closed)
            assert.is_false(session.connecting)
        end
        peer:close()
        other:close()
        assert(rawpeer.turn_until(function()
            return client.socket == nil and server_session.socket == nil or nil
        end))
    end)
end)

describe("session.state", function()
    after_each(loop.clean)

    it("has nine figures, each with its meaning, at a client", function()
        local session, peer = scripted()
        local first = session.state
        assert.same({
            effectiveLocalWindowSize = 65535, effectiveRecvDataLength = 0, nextStreamID = 1,
            localWindowSize = 65535, lastProcStreamID = 0, remoteWindowSize = 65535,
            outboundQueueSize = first.outboundQueueSize, deflateDynamicTableSize = 0,
            inflateDynamicTableSize = 0,
        }, first)
        local stream = session:request{[":method"] = "POST", ["x-field"] = "value"}
        stream:write(("x"):rep(500))
        peer:await("DATA", function(frame) return frame.type == frames.DATA end)
        peer:send(frames.response(1, 200, {"x-field", "value"}), frames.data(1, ("y"):rep(1000)))
        peer:await_pong()
        local state = session.state
        assert.equal(3, state.nextStreamID)
        assert.equal(65535 - 500, state.remoteWindowSize)
        assert.equal(1000, state.effectiveRecvDataLength)
        assert.equal(65535 - 1000, state.localWindowSize)
        assert.is_true(state.deflateDynamicTableSize >= #"x-field" + #"value" + 32)
        session:setLocalWindowSize(100000)
        assert.equal(100000, session.state.effectiveLocalWindowSize)
        assert.equal(100000 - 64535, peer:await_frame(frames.WINDOW_UPDATE, 0).increment)
        assert.equal(100000, session.state.localWindowSize)
        session:setNextStreamID(11)
        assert.equal(11, session.state.nextStreamID)
        peer:close()
    end)

    it("says at a server which stream was the last", function()
        local session, peer = served()
        assert.equal(2, session.state.nextStreamID)
        peer:send(frames.get(1, "/", {"x-field", "value"}), frames.get(5))
        peer:await_pong()
        assert.equal(5, session.state.lastProcStreamID)
        peer:close()
    end)

    it("tells the sizes of the tables on both sides", function()
        local seen
        local _, peer = served(function(stream)
            seen = stream.session.state
            stream:respond({}, {endStream = true})
        end)
        local hpack = require("spec.support.hpack")
        local block = hpack.encode(frames.request_fields("GET", "/"))
            .. hpack.literal("x-kept", "value", "indexed")
        peer:send(frames.headers(1, block, frames.END_HEADERS | frames.END_STREAM))
        peer:await_frame(frames.HEADERS, 1)
        assert.equal(#"x-kept" + #"value" + 32, seen.inflateDynamicTableSize)
        peer:close()
    end)
end)

describe("session:ref and session:unref", function()
    after_each(loop.clean)

    it("say whether the session keeps the loop alive", function()
        local session, peer = scripted()
        assert.is_true(http2.run("nowait"))
        session:unref()
        assert.is_true(loop.is_idle())
        session:ref()
        assert.is_true(http2.run("nowait"))
        session.socket:unref()
        assert.is_true(loop.is_idle())
        session.socket:ref()
        assert.is_true(http2.run("nowait"))
        peer:close()
    end)
end)

describe("session.socket", function()
    after_each(loop.clean)

    it("gives facts, and lets nobody meddle with the octets", function()
        local session, peer = scripted()
        local proxy = session.socket
        assert.equal(proxy, session.socket)
        assert.equal("127.0.0.1", proxy.remoteAddress)
        assert.is_true(proxy.bytesWritten > 0)
        assert.equal("127.0.0.1", proxy:address().address)
        for _, name in ipairs{"destroy", "emit", "end", "finish", "pause", "read", "resume",
            "write", "pipe", "setEncoding", "setKeepAlive", "setNoDelay"} do
            assert.equal("ERR_HTTP2_NO_SOCKET_MANIPULATION", raised_code(function()
                return proxy[name]
            end), name)
            assert.equal("ERR_HTTP2_NO_SOCKET_MANIPULATION", raised_code(function()
                proxy[name] = true
            end), name)
        end
        proxy.mine = "kept"
        assert.equal("kept", session.socket.mine)
        local timed_out
        proxy:setTimeout(20, function()
            timed_out = true
        end)
        assert.equal(1, session:listenerCount("timeout"))
        assert(rawpeer.turn_until(function() return timed_out end))
        session:destroy()
        peer:close()
        assert(rawpeer.turn_until(function() return session.socket == nil or nil end))
        assert.equal("ERR_HTTP2_SOCKET_UNBOUND", raised_code(function()
            return proxy.remoteAddress
        end))
    end)

    it("has the facts of TLS", function()
        local facts
        pair.play{
            tls = true,
            server = function(server)
                server:on("stream", function(stream)
                    local socket = stream.session.socket
                    facts = {socket.encrypted, socket.alpnProtocol, socket.servername}
                    stream:respond({}, {endStream = true})
                end)
            end,
            client_options = {ca = cert.read("ca.crt"), servername = "localhost"},
            client = function(session)
                local stream = session:request()
                stream:resume()
                stream:on("close", function()
                    local socket = session.socket
                    assert.is_true(socket.authorized)
                    assert.is_nil(socket.authorizationError)
                    assert.is_true(#socket:getPeerCertificate().raw > 100)
                    assert.truthy(socket:getProtocol():find("^TLSv1%.[23]$"))
                    assert.equal("string", type(socket:getCipher().name))
                    assert.is_false(socket:isSessionReused())
                    session:close()
                end)
            end,
        }
        assert.same({true, "h2", "localhost"}, facts)
    end)
end)
