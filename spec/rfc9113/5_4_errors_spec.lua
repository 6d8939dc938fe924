local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local rawpeer = require("spec.support.rawpeer")

describe("RFC 9113 5.4.1, a connection error: a server", function()
    local world = conformance.server()

    it("tells the last stream that it has processed", function()
        local peer = world.connect()
        peer:send(frames.get(1), frames.get(3))
        peer:await_answer(1)
        peer:await_answer(3)
        peer:send(frames.data(0, "x"))
        assert.equal(3, peer:await_fault("PROTOCOL_ERROR").last_id)
    end)

    it("says nothing more after GOAWAY, whatever still comes", function()
        local peer = world.connect()
        peer:send(frames.data(0, "x") .. frames.get(1) .. frames.ping() .. frames.data(0, "y")
            .. ("junk"):rep(1000))
        local goaway = peer:await_frame(frames.GOAWAY)
        assert.equal(frames.errors.PROTOCOL_ERROR, goaway.code)
        assert.is_nil(peer:read())
        assert.is_true(peer.is_closed)
        assert.same({}, world.requests)
    end)

    it("closes although the client stays connected and silent", function()
        local peer = world.connect()
        local session
        world.server:on("session", function(s)
            session = s
        end)
        local other = world.connect()
        other:send(frames.data(0, "x"))
        other:await_fault("PROTOCOL_ERROR")
        assert(rawpeer.turn_until(function()
            return session.destroyed or nil
        end), "the session lingers")
        world.serves(peer)
    end)

    it("ends the open streams with an error", function()
        local stream_err
        world.handler = function(stream)
            stream:on("error", function(err)
                stream_err = err
            end)
        end
        local peer = world.connect()
        peer:send(frames.get(1))
        peer:await_pong()
        peer:send(frames.data(0, "x"))
        peer:await_fault("PROTOCOL_ERROR")
        world.await_session_error()
        assert.equal("ERR_HTTP2_ERROR", stream_err.code)
        assert.equal("ERR_HTTP2_ERROR", world.session_errors[1].code)
    end)

    it("does not disturb other connections", function()
        local good, bad = world.connect(), world.connect()
        good:send(frames.post(1))
        bad:send(frames.data(0, "x"))
        bad:await_fault("PROTOCOL_ERROR")
        good:send(frames.data(1, "body", frames.END_STREAM))
        assert.equal(200, good:await_answer(1).status)
    end)
end)

describe("RFC 9113 5.4.2, a stream error: a server", function()
    local world = conformance.server()

    it("resets the stream alone, and once", function()
        local peer = world.connect()
        peer:send(frames.post(1), frames.post(3), frames.headers(1, {"x", "no END_STREAM"}))
        peer:await_reset(1, "PROTOCOL_ERROR")
        peer:send(frames.data(3, "body", frames.END_STREAM))
        assert.equal(200, peer:await_answer(3).status)
        for _, frame in ipairs(peer:await_pong()) do
            assert.not_equal(frames.RST_STREAM, frame.type)
        end
    end)

    it("does not answer RST_STREAM by RST_STREAM", function()
        world.handler = function(stream)
            stream:on("error", function() end)
        end
        local peer = world.connect()
        peer:send(frames.get(1), frames.rst_stream(1, 2))
        for _, frame in ipairs(peer:await_pong()) do
            assert.not_equal(frames.RST_STREAM, frame.type)
        end
    end)
end)

describe("RFC 9113 5.4.3, the end of the connection: a server", function()
    local world = conformance.server()

    it("does not take the end of the connection for the end of a body", function()
        local ended, aborted, closed = false, false, nil
        world.handler = function(stream)
            stream:on("error", function() end)
            stream:on("end", function()
                ended = not stream.aborted
            end)
            stream:on("aborted", function()
                aborted = true
            end)
            stream:on("close", function()
                closed = stream.rstCode
            end)
            stream:resume()
        end
        local peer = world.connect()
        peer:send(frames.post(1), frames.data(1, "half a bo"))
        peer:await_pong()
        peer:close()
        rawpeer.turn_until(function() return closed end)
        assert.is_true(aborted)
        assert.is_false(ended)
        assert.equal(frames.errors.CANCEL, closed)
    end)
end)
