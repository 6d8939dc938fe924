-- Members of sessions, on either side.
local http2 = require("http2")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local raised_code = require("spec.support.raised")
local rawpeer = require("spec.support.rawpeer")

-- A client session with a scripted server, once the prefaces are exchanged.
local function scripted(options, settings)
    local listener = rawpeer.listen()
    local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port, options))
    local peer = listener:accept(settings)
    listener:close()
    return session, peer
end

-- A server's session with a scripted client.
local function served(options)
    local server = loop.track(http2.createServer(options))
    local session
    server:on("session", function(s)
        session = s
    end)
    server:listen(0, "127.0.0.1")
    local peer = rawpeer.connect(rawpeer.port_of(server))
    assert(rawpeer.turn_until(function() return session end))
    return session, peer, server
end

-- The entries of the next SETTINGS of the other side that are not an acknowledgement.
local function await_settings(peer)
    return peer:await("SETTINGS", function(frame)
        return frame.type == frames.SETTINGS and not frames.has(frame, frames.ACK)
    end).settings
end

describe("session.settings", function()
    after_each(loop.clean)

    it("calls back with the very table of localSettings, before the event", function()
        local session, peer = scripted()
        local log = {}
        peer.acknowledges = false
        assert(rawpeer.turn_until(function() return not session.pendingSettingsAck or nil end))
        session:on("localSettings", function(settings)
            log[#log + 1] = settings
        end)
        session:settings({initialWindowSize = 70000}, function(err, settings, ms)
            assert.is_nil(err)
            assert.is_number(ms)
            log[#log + 1] = settings
        end)
        assert.is_true(session.pendingSettingsAck)
        assert.equal(65535, session.localSettings.initialWindowSize)
        assert.equal(70000, await_settings(peer)[frames.INITIAL_WINDOW_SIZE])
        peer:send(frames.settings_ack())
        assert(rawpeer.turn_until(function() return log[2] end))
        assert.equal(log[1], log[2])
        assert.equal(log[1], session.localSettings)
        assert.equal(70000, session.localSettings.initialWindowSize)
        assert.is_false(session.pendingSettingsAck)
        peer:close()
    end)

    it("may be called before the session is connected", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        local called
        assert.is_false(session.pendingSettingsAck)
        session:settings({maxFrameSize = 20000}, function()
            called = true
        end)
        assert.is_true(session.pendingSettingsAck)
        assert.same({}, session.localSettings)
        local peer = listener:accept()
        peer.acknowledges = false
        assert.equal(20000, await_settings(peer)[frames.MAX_FRAME_SIZE])
        peer:send(frames.settings_ack())
        assert(rawpeer.turn_until(function() return called end))
        assert.equal(20000, session.localSettings.maxFrameSize)
        listener:close()
        peer:close()
    end)

    it("ends the session when too many wait for acknowledgement", function()
        local session, peer = scripted{maxOutstandingSettings = 2}
        local err, cancelled
        assert(rawpeer.turn_until(function() return not session.pendingSettingsAck or nil end))
        session:on("error", function(e)
            err = e
        end)
        session:settings({})
        session:settings({})
        session:settings({}, function(e)
            cancelled = e
        end)
        assert.equal("ERR_HTTP2_SETTINGS_CANCEL", cancelled.code)
        assert.is_true(session.destroyed)
        assert(rawpeer.turn_until(function() return err end))
        assert.equal("ERR_HTTP2_MAX_PENDING_SETTINGS_ACK", err.code)
        peer:close()
    end)

    it("never offers pushes to a server", function()
        local session, peer = served()
        session:settings{enablePush = true, initialWindowSize = 100000}
        local settings = await_settings(peer)
        assert.equal(100000, settings[frames.INITIAL_WINDOW_SIZE])
        assert.is_nil(settings[frames.ENABLE_PUSH])
        peer:close()
    end)

    it("takes custom settings, and remoteCustomSettings shows the peer's", function()
        local session, peer = scripted({
            settings = {customSettings = {[4000] = 7}}, remoteCustomSettings = {5000},
        }, {{5000, 9}, {5001, 10}})
        assert.equal(7, peer.settings[4000])
        assert(rawpeer.turn_until(function()
            return session.remoteSettings.customSettings
                and session.localSettings.customSettings
        end))
        assert.same({[5000] = 9}, session.remoteSettings.customSettings)
        assert.same({[4000] = 7}, session.localSettings.customSettings)
        peer:close()
    end)

    it("knows maxHeaderSize as another name of maxHeaderListSize, which wins", function()
        local session, peer = scripted{settings = {maxHeaderListSize = 1000, maxHeaderSize = 2000}}
        assert.equal(2000, peer.settings[frames.MAX_HEADER_LIST_SIZE])
        assert(rawpeer.turn_until(function() return not session.pendingSettingsAck or nil end))
        assert.equal(2000, session.localSettings.maxHeaderListSize)
        assert.equal(2000, session.localSettings.maxHeaderSize)
        peer:close()
    end)

    it("keeps the last local ones when the session is destroyed, and none of the peer's", function()
        local session, peer = scripted()
        assert(rawpeer.turn_until(function() return not session.pendingSettingsAck or nil end))
        local last = session.localSettings
        session:destroy()
        assert(rawpeer.turn_until(function() return session.socket == nil or nil end))
        assert.equal(last, session.localSettings)
        assert.same({}, session.remoteSettings)
        assert.same({}, session.state)
        peer:close()
    end)
end)

describe("before a session is connected", function()
    after_each(loop.clean)

    it("a goaway waits", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        session:goaway(2, 0, "why")
        local peer = listener:accept()
        local goaway = peer:await_frame(frames.GOAWAY)
        assert.equal(2, goaway.code)
        assert.equal("why", goaway.debug)
        listener:close()
        peer:close()
    end)

    it("the window grows and the next stream has its number all the same", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        session:setLocalWindowSize(2 ^ 20)
        session:setNextStreamID(77)
        session:request()
        local peer = listener:accept()
        assert.equal(2 ^ 20 - 65535, peer:await_frame(frames.WINDOW_UPDATE, 0).increment)
        assert.equal(77, peer:await_frame(frames.HEADERS).id)
        listener:close()
        peer:close()
    end)

    it("a ping is cancelled", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        local err
        assert.is_nil(session:ping(function(e)
            err = e
        end))
        assert.is_nil(err)
        assert(rawpeer.turn_until(function() return err end))
        assert.equal("ERR_HTTP2_PING_CANCEL", err.code)
        listener:close()
    end)
end)

describe("session:setNextStreamID", function()
    after_each(loop.clean)

    it("ignores one that is used, and leaves no stream beyond the last", function()
        local session, peer = scripted()
        session:setNextStreamID(2 ^ 31 - 1)
        session:setNextStreamID(1)
        local last = session:request()
        assert.equal(2 ^ 31 - 1, last.id)
        local err
        session:request():on("error", function(e)
            err = e
        end)
        assert(rawpeer.turn_until(function() return err end))
        assert.equal("ERR_HTTP2_OUT_OF_STREAMS", err.code)
        assert.is_false(session.destroyed)
        peer:close()
    end)
end)

describe("session:ping", function()
    after_each(loop.clean)

    it("gives the time it took and the octets back", function()
        local session, peer = scripted()
        local got
        assert.is_true(session:ping("12345678", function(...)
            got = {n = select("#", ...), ...}
        end))
        peer:send(frames.ping(peer:await_frame(frames.PING).payload, frames.ACK))
        assert(rawpeer.turn_until(function() return got end))
        assert.is_nil(got[1])
        assert.is_true(got[2] >= 0)
        assert.equal("12345678", got[3])
        peer:close()
    end)

    it("is refused at once above maxOutstandingPings", function()
        local session, peer = scripted{maxOutstandingPings = 1}
        local err
        assert.is_true(session:ping(function() end))
        assert.is_false(session:ping(function(e)
            err = e
        end))
        assert.equal("ERR_HTTP2_PING_CANCEL", err.code)
        peer:close()
    end)

    it("is cancelled by destroy, before close", function()
        local session, peer = scripted()
        local log = {}
        session:ping(function(e)
            log[#log + 1] = e.code
        end)
        session:on("close", function()
            log[#log + 1] = "close"
        end)
        session:destroy()
        assert(rawpeer.turn_until(function() return log[2] end))
        assert.same({"ERR_HTTP2_PING_CANCEL", "close"}, log)
        peer:close()
    end)
end)

describe("a server's session", function()
    after_each(loop.clean)

    it("offers alternative services for an origin and on a stream", function()
        local session, peer = served()
        session:altsvc('h2=":8000"', "https://example.org:443/path")
        local altsvc = peer:await_frame(frames.ALTSVC, 0)
        assert.equal("\0\19https://example.org" .. 'h2=":8000"', altsvc.payload)
        session:altsvc("clear", {origin = "https://b.example"})
        assert.equal("\0\17https://b.exampleclear", peer:await_frame(frames.ALTSVC, 0).payload)
        peer:send(frames.get(1))
        peer:await_pong()
        session:altsvc("h3", 1)
        assert.equal("\0\0h3", peer:await_frame(frames.ALTSVC, 1).payload)
        session:altsvc("h3", 99)
        for _, frame in ipairs(peer:await_pong()) do
            assert.is_false(frame.type == frames.ALTSVC)
        end
        peer:close()
    end)

    it("says for which origins it answers, in one frame", function()
        local session, peer = served()
        session:origin("https://a.example/x", {origin = "https://b.example:8443"})
        assert.equal("\0\17https://a.example\0\22https://b.example:8443",
            peer:await_frame(frames.ORIGIN).payload)
        session:origin()
        for _, frame in ipairs(peer:await_pong()) do
            assert.is_false(frame.type == frames.ORIGIN)
        end
        peer:close()
    end)

    it("refuses what is no alternative and no origin", function()
        local session, peer = served()
        local codes = {
            {"ERR_INVALID_ARG_TYPE", session.altsvc, session, 'h2=":1"'},
            {"ERR_INVALID_ARG_TYPE", session.altsvc, session, 'h2=":1"', true},
            {"ERR_INVALID_ARG_TYPE", session.altsvc, session, 'h2=":1"', {}},
            {"ERR_INVALID_ARG_TYPE", session.altsvc, session, 1, "https://a.example"},
            {"ERR_OUT_OF_RANGE", session.altsvc, session, "h", 0},
            {"ERR_OUT_OF_RANGE", session.altsvc, session, "h", -1},
            {"ERR_OUT_OF_RANGE", session.altsvc, session, "h", 1.5},
            {"ERR_INVALID_URL", session.altsvc, session, "h", "no url"},
            {"ERR_HTTP2_ALTSVC_INVALID_ORIGIN", session.altsvc, session, "h", "data:x"},
            {"ERR_HTTP2_ALTSVC_INVALID_ORIGIN", session.altsvc, session, "h", {origin = "null"}},
            {"ERR_HTTP2_ALTSVC_INVALID_ORIGIN", session.altsvc, session, "h", {origin = ""}},
            {"ERR_INVALID_CHAR", session.altsvc, session, "a\1b", "https://a.example"},
            {"ERR_INVALID_CHAR", session.altsvc, session, "a\\b", "https://a.example"},
            {"ERR_HTTP2_ALTSVC_LENGTH", session.altsvc, session, ("x"):rep(16382),
                "https://a.example"},
            {"ERR_INVALID_ARG_TYPE", session.origin, session, 1},
            {"ERR_INVALID_ARG_TYPE", session.origin, session, "https://a.example", {}},
            {"ERR_INVALID_URL", session.origin, session, "a.example"},
            {"ERR_HTTP2_INVALID_ORIGIN", session.origin, session, "file:///x"},
            {"ERR_HTTP2_INVALID_ORIGIN", session.origin, session, {origin = "null"}},
            {"ERR_HTTP2_ORIGIN_LENGTH", session.origin, session, {origin = ("x"):rep(16383)}},
        }
        for at, case in ipairs(codes) do
            assert.equal(case[1], raised_code(table.unpack(case, 2)), "case " .. at)
        end
        for _, frame in ipairs(peer:await_pong()) do
            assert.is_false(frame.type == frames.ALTSVC or frame.type == frames.ORIGIN)
        end
        peer:close()
    end)
end)

describe("a client's session", function()
    after_each(loop.clean)

    it("tells of alternative services", function()
        local session, peer = scripted()
        local got = {}
        session:on("altsvc", function(...)
            got[#got + 1] = {...}
        end)
        session:request()
        peer:await_frame(frames.HEADERS, 1)
        peer:send(frames.frame(frames.ALTSVC, 0, 0, "\0\17https://a.exampleh3"),
            frames.frame(frames.ALTSVC, 0, 1, "\0\0h2"))
        assert(rawpeer.turn_until(function() return got[2] end))
        assert.same({{"h3", "https://a.example", 0}, {"h2", "", 1}}, got)
        peer:close()
    end)

    it("has no origin set, and hears of none, in clear text", function()
        local session, peer = scripted()
        session:on("origin", function()
            error("origin")
        end)
        peer:send(frames.frame(frames.ORIGIN, 0, 0, "\0\17https://a.example"))
        peer:await_pong()
        assert.is_nil(session.originSet)
        peer:close()
    end)

    it("keeps the origins of its server, without those it answers 421 for", function()
        local sets = {}
        pair.play{
            tls = true,
            server_options = {origins = {"https://a.example/path", "https://b.example:8443"}},
            server = function(server)
                server:on("stream", function(stream)
                    stream:respond{[":status"] = 421}
                    stream:finish()
                end)
            end,
            client_options = {servername = "localhost"},
            client = function(session)
                assert.is_nil(session.originSet)
                session:on("origin", function(origins)
                    sets[1] = origins
                    sets[2] = session.originSet
                    local stream = session:request()
                    stream:resume()
                    stream:on("close", function()
                        sets[3] = session.originSet
                        session:close()
                    end)
                end)
            end,
        }
        assert.same({"https://a.example", "https://b.example:8443"}, sets[1])
        assert.equal(3, #sets[2])
        assert.truthy(sets[2][1]:find("^https://localhost:%d+$"), sets[2][1])
        assert.same(sets[1], sets[3])
    end)
end)

describe("the legacy members of a session", function()
    after_each(loop.clean)

    it("shutdown sends a GOAWAY and calls back", function()
        local session, peer = served()
        local called
        session:shutdown({errorCode = 2, opaqueData = "old"}, function()
            called = true
        end)
        local goaway = peer:await_frame(frames.GOAWAY)
        assert.equal(2, goaway.code)
        assert.equal("old", goaway.debug)
        assert(rawpeer.turn_until(function() return called end))
        peer:close()
    end)

    it("rstStream and priority are the stream's own", function()
        local session, peer = scripted()
        local stream = session:request{[":method"] = "POST"}
        peer:await_frame(frames.HEADERS, 1)
        session:priority(stream, {weight = 10})
        session:rstStream(stream, 8)
        peer:await_reset(1, "CANCEL")
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(session.rstStream, session, {}))
        peer:close()
    end)

    it("socketError tells of the socket's error, and the server's of its sessions'", function()
        local session, peer, server = served()
        local got
        server:on("socketError", function(err, socket)
            got = {err.code, socket}
        end)
        server:on("sessionError", function() end)
        assert.is_truthy(session)
        peer:abort()
        assert(rawpeer.turn_until(function() return got end))
        assert.equal("ECONNRESET", got[1])
        assert.is_truthy(got[2])
    end)
end)
