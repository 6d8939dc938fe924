-- The limits in time of a client, against servers that take theirs.
local http2 = require("http2")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")
local timers = require("http2.timers")

describe("a client's limits in time", function()
    after_each(loop.clean)

    it("handshakeTimeout ends the wait for a server that says nothing", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port,
            {handshakeTimeout = 200}))
        local err, stream_err
        session:on("error", function(e)
            err = e
        end)
        session:request():on("error", function(e)
            stream_err = e
        end)
        assert(rawpeer.turn_until(function() return err end))
        assert.equal("ERR_HTTP2_ERROR", err.code)
        assert.equal("ERR_HTTP2_ERROR", stream_err.code)
        listener:close()
    end)

    it("handshakeTimeout ends the wait for a Duplex that does not connect", function()
        local alive = timers.setInterval(function() end, 1000) -- a Duplex of Lua's does not do so
        finally(function() timers.clearInterval(alive) end)
        local duplex = require("http2_core").EventEmitter()
        duplex.connecting = true
        for _, name in ipairs{"pause", "resume", "write", "finish", "destroy"} do
            duplex[name] = function() end
        end
        local err
        local session = loop.track(http2.connect("http://localhost", {
            handshakeTimeout = 100, createConnection = function() return duplex end,
        }))
        session:on("error", function(e)
            err = e
        end)
        assert(rawpeer.turn_until(function() return err end))
        assert.equal("ETIMEDOUT", err.code)
    end)

    -- A client of these options with a server that has said its SETTINGS, and the session's error.
    local function with_server(options, settings, receive_buffer)
        local listener = rawpeer.listen(receive_buffer)
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port, options))
        local view = {session = session}
        session:on("error", function(e)
            view.err = e
        end)
        session:on("close", function()
            view.is_closed = true
        end)
        view.peer = listener:accept_silent()
        listener:close()
        view.peer:read_preface()
        view.peer:send(frames.settings(settings))
        return view
    end

    it("handshakeTimeout ends the wait for a TLS server that says nothing", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("https://127.0.0.1:" .. listener.port,
            {handshakeTimeout = 100}))
        local err
        session:on("error", function(e)
            err = e
        end)
        local peer = listener:accept_silent()
        assert(rawpeer.turn_until(function() return err end))
        assert.equal("ETIMEDOUT", err.code)
        assert.is_true(err.retryable)
        peer:close()
        listener:close()
    end)

    it("settingsTimeout ends the wait for an acknowledgement", function()
        local view = with_server{settingsTimeout = 200}
        view.peer:await_fault("SETTINGS_TIMEOUT")
        assert(rawpeer.turn_until(function() return view.err end))
        assert.equal("ERR_HTTP2_ERROR", view.err.code)
    end)

    it("headersTimeout ends the wait for the end of a response's headers", function()
        local view = with_server{headersTimeout = 200}
        view.session:request():on("error", function() end)
        view.peer:send(frames.settings_ack())
        view.peer:await_frame(frames.HEADERS, 1)
        view.peer:send(frames.response(1, 200, nil, 0))
        view.peer:await_fault("ENHANCE_YOUR_CALM")
    end)

    it("keepAliveTimeout, which none has by itself, ends a session without streams", function()
        local view = with_server{keepAliveTimeout = 200}
        view.peer:send(frames.settings_ack())
        assert.equal(0, view.peer:await_frame(frames.GOAWAY).code)
        view.peer:await_end()
        assert(rawpeer.turn_until(function() return view.is_closed end))
        assert.is_nil(view.err)
    end)

    it("streamStallTimeout cancels an upload that the server does not take", function()
        local view = with_server({streamStallTimeout = 200}, {{frames.INITIAL_WINDOW_SIZE, 10}})
        view.peer:send(frames.settings_ack())
        view.peer:await_settings_ack()
        local stream, err = view.session:request{[":method"] = "POST"}, nil
        stream:on("error", function(e)
            err = e
        end)
        stream:finish(("x"):rep(1000))
        view.peer:await_reset(1, "CANCEL")
        assert(rawpeer.turn_until(function() return stream.destroyed or nil end))
        assert.equal(8, stream.rstCode)
        assert.is_nil(err) -- CANCEL is none
        assert.is_false(view.session.destroyed)
        view.peer:close()
    end)

    it("writeTimeout, which none has by itself, cuts off a server that reads nothing", function()
        local view = with_server({writeTimeout = 300, streamStallTimeout = 0},
            {{frames.INITIAL_WINDOW_SIZE, 2 ^ 31 - 1}}, 8192)
        view.peer:send(frames.settings_ack(), frames.window_update(0, 2 ^ 31 - 1 - 65535))
        view.peer:await_settings_ack()
        local stream = view.session:request{[":method"] = "POST"}
        stream:on("error", function() end)
        stream:finish(("x"):rep(16 * 1024 * 1024))
        assert(rawpeer.turn_until(function() return view.err end))
        assert.equal("ETIMEDOUT", view.err.code)
        view.peer:close()
    end)
end)
