-- What waits for time to pass: setTimeout, and the limits against peers that take theirs.
local http2 = require("http2")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pace = require("spec.support.pace")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local rawpeer = require("spec.support.rawpeer")
local timers = require("http2.timers")

-- A server that answers each request, and the port it listens on.
local function serve(options, handler)
    local server = loop.track(http2.createServer(options))
    server:on("stream", handler or function(stream)
        stream:respond()
        stream:finish("answer")
    end)
    server:listen(0, "127.0.0.1")
    return server, rawpeer.port_of(server)
end

-- How many milliseconds `fn` takes.
local function duration(fn)
    local socket = require("socket")
    local begun = socket.gettime()
    fn()
    return (socket.gettime() - begun) * 1000
end

describe("session:setTimeout", function()
    after_each(loop.clean)

    -- Plays a client with one idle session: `client(session)`, which ends after `ms`.
    local function idle(ms, client)
        pair.play{
            server = function() end,
            client = function(session)
                session:on("connect", function()
                    client(session)
                    timers.setTimeout(function()
                        session:destroy()
                    end, ms)
                end)
            end,
            seconds = 30 + ms / 1000,
        }
    end

    it("gives the session back, and emits timeout once in an idle time", function()
        pace.try(function(unit)
            local timeouts, called = 0, 0
            idle(unit * 6, function(session)
                session:on("timeout", function()
                    timeouts = timeouts + 1
                end)
                assert.equal(session, session:setTimeout(unit, function()
                    called = called + 1
                end))
            end)
            assert.equal(1, timeouts)
            assert.equal(1, called)
        end)
    end)

    it("starts anew with what goes to and fro", function()
        pace.try(function(unit)
            local events = {}
            pair.play{
                server = function() end,
                client = function(session)
                    session:setTimeout(2 * unit)
                    session:on("timeout", function()
                        events[#events + 1] = "timeout"
                        if #events > 1 then
                            session:destroy()
                        else
                            session:ping(function()
                                events[#events + 1] = "ping"
                            end)
                        end
                    end)
                end,
            }
            assert.same({"timeout", "ping", "timeout"}, events)
        end)
    end)

    it("is put off by activity", function()
        pace.try(function(unit)
            local timeouts = 0
            idle(unit * 10, function(session)
                session:setTimeout(unit * 4, function()
                    timeouts = timeouts + 1
                end)
                local pings = timers.setInterval(function()
                    if not session.destroyed then
                        session:ping(function() end)
                    end
                end, unit)
                session:on("close", function()
                    timers.clearInterval(pings)
                end)
            end)
            assert.equal(0, timeouts)
        end)
    end)

    it("is taken back by 0, with its callback", function()
        local timeouts = 0
        local function count()
            timeouts = timeouts + 1
        end
        idle(150, function(session)
            session:setTimeout(40, count)
            assert.equal(1, session:listenerCount("timeout"))
            session:setTimeout(0, count)
            assert.equal(0, session:listenerCount("timeout"))
        end)
        assert.equal(0, timeouts)
    end)

    it("does nothing on a destroyed session", function()
        idle(20, function(session)
            session:destroy()
            assert.equal(session, session:setTimeout("whatever"))
        end)
    end)

    it("works before the session is connected", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        local timed_out
        session:setTimeout(50, function()
            timed_out = true
        end)
        assert(rawpeer.turn_until(function() return timed_out end))
        listener:close()
    end)
end)

describe("server.timeout", function()
    after_each(loop.clean)

    it("is 0 at first, and set by setTimeout, which adds the callback", function()
        local server = http2.createServer()
        assert.equal(0, server.timeout)
        assert.equal(server, server:setTimeout(100, function() end))
        assert.equal(100, server.timeout)
        assert.equal(1, server:listenerCount("timeout"))
        server.timeout = 50
        assert.equal(50, server.timeout)
        server:setTimeout()
        assert.equal(0, server.timeout)
    end)

    it("ends an idle session that nobody looks after, without an error", function()
        pace.try(function(unit)
            local events, code = {}, nil
            pair.play{
                server = function(server)
                    server:setTimeout(unit * 3)
                    server:on("session", function(session)
                        pair.log(events, "session ", session, {"timeout", "close"})
                    end)
                    server:on("stream", function() end)
                end,
                client = function(session)
                    local stream = session:request()
                    stream:on("close", function()
                        code = stream.rstCode
                    end)
                end,
            }
            assert.same({"session timeout", "session close"}, events)
            assert.equal(8, code)
        end)
    end)

    it("is told to the server's listener, who decides", function()
        local told
        pair.play{
            server = function(server)
                server:setTimeout(60, function(session)
                    told = session
                    assert.is_false(session.destroyed)
                    session:close()
                end)
            end,
            client = function() end,
        }
        assert.is_truthy(told)
    end)
end)

describe("a server's limits in time", function()
    after_each(loop.clean)

    it("handshakeTimeout ends connections that do not begin", function()
        local _, port = serve{handshakeTimeout = 200}
        local took = duration(function()
            local silent, slow = rawpeer.open(port), rawpeer.open(port)
            silent.acknowledges, slow.acknowledges = false, false
            slow:send(frames.preface:sub(1, 10))
            silent:await_fault("SETTINGS_TIMEOUT")
            slow:await_fault("SETTINGS_TIMEOUT")
        end)
        assert.is_true(took > 150, took)
    end)

    it("headersTimeout ends those that do not end a header block", function()
        local _, port = serve{headersTimeout = 200}
        local peer = rawpeer.connect(port)
        peer:send(frames.headers(1, frames.request_fields("GET", "/"), frames.END_STREAM))
        local dripping = timers.setInterval(function()
            peer.socket:send(frames.continuation(1, "\0\1a\1b"))
        end, 50)
        finally(function() timers.clearInterval(dripping) end)
        peer:await_fault("ENHANCE_YOUR_CALM")
    end)

    it("settingsTimeout ends those that do not acknowledge", function()
        local _, port = serve{settingsTimeout = 200}
        local peer = rawpeer.open(port)
        peer.acknowledges = false
        peer:send(frames.preface, frames.settings())
        peer:await_fault("SETTINGS_TIMEOUT")
    end)

    it("keepAliveTimeout ends sessions without streams, whatever they ping", function()
        local _, port = serve{keepAliveTimeout = 300}
        local took = duration(function()
            local peer = rawpeer.connect(port)
            local pings = timers.setInterval(function()
                peer.socket:send(frames.ping())
            end, 50)
            finally(function() timers.clearInterval(pings) end)
            local goaway = peer:await_frame(frames.GOAWAY)
            assert.equal(0, goaway.code)
            timers.clearInterval(pings)
            peer:await_end()
        end)
        assert.is_true(took > 250, took)
    end)

    it("keepAliveTimeout leaves a session with a stream alone", function()
        pace.try(function(unit)
            local held
            local _, port = serve({keepAliveTimeout = 5 * unit}, function(stream)
                held = stream
            end)
            local peer = rawpeer.connect(port)
            peer:send(frames.get(1))
            rawpeer.turn_for(20 * unit / 1000)
            held:respond()
            held:finish("late")
            assert.equal("late", peer:await_answer(1).body)
            peer:close()
        end)
    end)

    it("streamStallTimeout cancels streams whose window stays closed, and them alone", function()
        local codes = {}
        local _, port = serve({streamStallTimeout = 300}, function(stream)
            stream:on("close", function()
                codes[stream.id] = stream.rstCode
            end)
            stream:respond()
            stream:finish(payload.make(stream.id == 1 and 100000 or 10))
        end)
        local peer = rawpeer.connect(port, {{frames.INITIAL_WINDOW_SIZE, 20}})
        peer:await_settings_ack()
        peer:send(frames.get(1))
        local drip = timers.setInterval(function()
            peer.socket:send(frames.window_update(1, 1))
        end, 30)
        finally(function() timers.clearInterval(drip) end)
        peer:await_reset(1, "CANCEL")
        timers.clearInterval(drip)
        assert.equal(10, #peer:await_service(3).body)
        assert.equal(8, codes[1])
        peer:close()
    end)

    it("writeTimeout cuts off who reads nothing", function()
        local closed
        local server, port = serve({writeTimeout = 300, streamStallTimeout = 0}, function(stream)
            stream:on("error", function() end)
            stream:respond()
            stream:finish(("x"):rep(16 * 1024 * 1024))
        end)
        local err
        server:on("sessionError", function(e)
            err = e
        end)
        server:on("session", function(session)
            session:on("close", function()
                closed = true
            end)
        end)
        local peer = rawpeer.connect(port, {{frames.INITIAL_WINDOW_SIZE, 2 ^ 31 - 1}}, 8192)
        peer:send(frames.window_update(0, 2 ^ 31 - 1 - 65535), frames.get(1))
        assert(rawpeer.turn_until(function() return closed end))
        assert.equal("ETIMEDOUT", err.code)
        peer:close()
    end)

    it("are lifted by 0", function()
        local _, port = serve{handshakeTimeout = 0, settingsTimeout = 0, keepAliveTimeout = 0}
        local peer = rawpeer.open(port)
        rawpeer.turn_for(0.3)
        peer:send(frames.preface, frames.settings())
        peer:await_service(1)
        peer:close()
    end)
end)

describe("stream:setTimeout", function()
    after_each(loop.clean)

    it("emits timeout, closes nothing, and is taken back by 0 with its callback", function()
        local server, port = serve({}, function() end)
        local session = loop.track(http2.connect("http://127.0.0.1:" .. port))
        local stream, called = session:request(), 0
        local function count()
            called = called + 1
        end
        assert.equal(stream, stream:setTimeout(20, count))
        assert(rawpeer.turn_until(function() return called > 0 or nil end))
        assert.is_false(stream.destroyed)
        stream:setTimeout(20, count)
        stream:setTimeout(0, count)
        local before = called
        rawpeer.turn_for(0.1)
        assert.equal(before, called)
        assert.equal(0, stream:listenerCount("timeout"))
        assert.is_true(server.listening)
    end)
end)

describe("server:close with a grace", function()
    after_each(loop.clean)

    it("ends idle sessions at once, and lets open streams finish", function()
        local server, port = serve({}, function(stream)
            timers.setTimeout(function()
                stream:respond()
                stream:finish("in time")
            end, 100)
        end)
        local peer, idle = rawpeer.connect(port), rawpeer.connect(port)
        local closed
        peer:send(frames.get(1))
        peer:await_pong()
        server:close({grace = 10000}, function()
            closed = true
        end)
        idle:await_end()
        assert.equal("in time", peer:await_answer(1).body)
        peer:await_end()
        assert(rawpeer.turn_until(function() return closed end))
    end)

    it("cuts what is open when it is over", function()
        local server, port = serve({}, function() end)
        local peer = rawpeer.connect(port)
        local closed
        peer:send(frames.get(1))
        peer:await_pong()
        local took = duration(function()
            server:close({grace = 150}, function()
                closed = true
            end)
            peer:await_end()
            assert(rawpeer.turn_until(function() return closed end))
        end)
        assert.is_true(took > 100, took)
    end)
end)
