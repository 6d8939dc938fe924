-- The verdict on an error: who caused it, how far it reaches, and whether the request may have been
-- processed, or is safe to be sent again.
local http2 = require("http2")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local process = require("spec.support.process")
local rawpeer = require("spec.support.rawpeer")

local function verdict_of(err)
    return {err.code, err.by, err.scope, processed = err.processed, retryable = err.retryable}
end

local function processed(code, by, scope)
    return {code, by, scope, processed = true, retryable = false}
end

local function unprocessed(code, by, scope)
    return {code, by, scope, processed = false, retryable = true}
end

-- A client's two requests, 1 and 3, are with a scripted server. Gives the errors of the streams and
-- of the session, after `act(peer, session, first, second)`, as they come.
local function play(act)
    local listener = rawpeer.listen()
    local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
    local errors = {}
    session:on("error", function(err)
        errors.session = err
    end)
    local streams = {}
    for id = 1, 3, 2 do
        streams[id] = session:request()
        streams[id]:on("error", function(err)
            errors[id] = err
        end)
        streams[id]:resume()
    end
    local peer = listener:accept()
    listener.close()
    peer:await_frame(frames.HEADERS, 3)
    peer:await_pong()
    act(peer, session, streams[1], streams[3])
    return errors, peer
end

local function await(errors, key)
    return verdict_of(assert(rawpeer.turn_until(function() return errors[key] end)))
end

describe("the verdict on the error of a stream", function()
    after_each(loop.clean)

    it("that the peer resets, is the peer's: it may have been processed", function()
        local errors, peer = play(function(peer)
            peer:send(frames.rst_stream(1, frames.errors.INTERNAL_ERROR))
        end)
        assert.same(processed("ERR_HTTP2_STREAM_ERROR", "peer", "stream"), await(errors, 1))
        peer:await_pong()
        assert.is_nil(errors[3])
        peer:close()
    end)

    it("that the peer refuses, is that it can be sent again", function()
        local errors, peer = play(function(peer)
            peer:send(frames.rst_stream(1, frames.errors.REFUSED_STREAM))
        end)
        assert.same(unprocessed("ERR_HTTP2_STREAM_ERROR", "peer", "stream"), await(errors, 1))
        peer:close()
    end)

    it("whose response breaks the rules, is the peer's", function()
        local errors, peer = play(function(peer)
            peer:send(frames.headers(1, {"x", "no response"}))
        end)
        assert.same(processed("ERR_HTTP2_STREAM_ERROR", "peer", "stream"), await(errors, 1))
        peer:close()
    end)

    it("that is closed here, is our own", function()
        local errors, peer = play(function(_, _, first)
            first:close(http2.constants.NGHTTP2_INTERNAL_ERROR)
        end)
        assert.same(processed("ERR_HTTP2_STREAM_ERROR", "local", "stream"), await(errors, 1))
        peer:close()
    end)

    it("above the last of a GOAWAY, is that it can be sent again", function()
        local errors, peer = play(function(peer)
            peer:send(frames.goaway(1, frames.errors.NO_ERROR))
        end)
        assert.same(unprocessed("ERR_HTTP2_STREAM_ERROR", "peer", "stream"), await(errors, 3))
        assert.is_nil(errors[1])
        peer:close()
    end)

    it("never sent, is that it can be sent", function()
        local errors = {}
        local url = "http://127.0.0.1:" .. process.refusing_port()
        for key, finish in pairs{failed = function() end, destroyed = function(session)
            session:destroy()
        end} do
            local session = loop.track(http2.connect(url))
            session:on("error", function() end)
            session:request():on("error", function(err)
                errors[key] = err
            end)
            finish(session)
        end
        assert.same(unprocessed("ERR_HTTP2_STREAM_CANCEL", "peer", "session"),
            await(errors, "failed"))
        assert.equal("ECONNREFUSED", errors.failed.cause.code)
        assert.same(unprocessed("ERR_HTTP2_STREAM_CANCEL", "local", "session"),
            await(errors, "destroyed"))
    end)

    it("of a session that was closed before it was connected, is our own", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        local errors = {}
        session:request():on("error", function(err)
            errors[1] = err
        end)
        session:close()
        listener:accept()
        listener.close()
        assert.same(unprocessed("ERR_HTTP2_GOAWAY_SESSION", "local", "session"), await(errors, 1))
    end)
end)

-- Of three requests the peer lets one begin at a time; gives the errors of the streams and of the
-- session after `act(peer, session)`.
local function hold_back(act)
    local listener = rawpeer.listen()
    local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
    local errors, streams = {}, {}
    session:on("error", function(err)
        errors.session = err
    end)
    local peer = listener:accept{{frames.MAX_CONCURRENT_STREAMS, 1}}
    listener.close()
    assert(rawpeer.turn_until(function()
        return session.remoteSettings and session.remoteSettings.maxConcurrentStreams == 1 or nil
    end))
    for id = 1, 5, 2 do
        streams[id] = session:request()
        streams[id]:on("error", function(err)
            errors[id] = err
        end)
        streams[id]:on("close", function()
            streams[id].is_over = true
        end)
        streams[id]:resume()
    end
    peer:await_frame(frames.HEADERS, 1)
    act(peer, session, errors)
    assert(rawpeer.turn_until(function()
        return streams[1].is_over and streams[3].is_over and streams[5].is_over
    end))
    peer:close()
    return errors
end

describe("the verdict on the error of a request that the peer's limit holds back", function()
    after_each(loop.clean)

    it("is that it can be sent again, when the session fails", function()
        local errors = hold_back(function(peer)
            peer:send(frames.data(0, "x"))
        end)
        assert.same(processed("ERR_HTTP2_ERROR", "peer", "session"), verdict_of(errors[1]))
        assert.same(unprocessed("ERR_HTTP2_ERROR", "peer", "session"), verdict_of(errors[3]))
        assert.same(unprocessed("ERR_HTTP2_ERROR", "peer", "session"), verdict_of(errors[5]))
        assert.same(processed("ERR_HTTP2_ERROR", "peer", "session"), await(errors, "session"))
        assert.equal(tostring(errors.session), tostring(errors[3]))
    end)

    it("is so for one that has begun since, no more", function()
        local errors = hold_back(function(peer)
            peer:send(frames.response(1, 200, {}, frames.END_HEADERS | frames.END_STREAM))
            peer:await_frame(frames.HEADERS, 3)
            peer:send(frames.data(0, "x"))
        end)
        assert.is_nil(errors[1])
        assert.same(processed("ERR_HTTP2_ERROR", "peer", "session"), verdict_of(errors[3]))
        assert.same(unprocessed("ERR_HTTP2_ERROR", "peer", "session"), verdict_of(errors[5]))
    end)

    it("is so when the connection breaks", function()
        local errors = hold_back(function(peer)
            peer:abort()
        end)
        assert.same(processed("ECONNRESET", "peer", "session"), verdict_of(errors[1]))
        assert.same(unprocessed("ECONNRESET", "peer", "session"), verdict_of(errors[5]))
    end)

    it("is so when the peer leaves in order", function()
        local errors = hold_back(function(peer)
            peer:close()
        end)
        assert.is_nil(errors[1])
        assert.same(unprocessed("ERR_HTTP2_STREAM_CANCEL", "peer", "session"),
            verdict_of(errors[3]))
    end)

    it("is so when the peer leaves with a code, or with none", function()
        for code, expected in pairs{
            INTERNAL_ERROR = unprocessed("ERR_HTTP2_SESSION_ERROR", "peer", "session"),
            NO_ERROR = unprocessed("ERR_HTTP2_STREAM_ERROR", "peer", "stream"),
        } do
            local errors = hold_back(function(peer)
                peer:send(frames.goaway(1, frames.errors[code]))
                peer:send(frames.response(1, 200, {}, frames.END_HEADERS | frames.END_STREAM))
            end)
            assert.same(expected, verdict_of(errors[3]))
            assert.same(expected, verdict_of(errors[5]))
        end
    end)

    it("is so, and our own, when the session is destroyed with an error", function()
        local errors = hold_back(function(_, session)
            session:destroy(http2.constants.NGHTTP2_INTERNAL_ERROR)
        end)
        assert.same(processed("ERR_HTTP2_SESSION_ERROR", "local", "session"),
            verdict_of(errors[1]))
        assert.same(unprocessed("ERR_HTTP2_SESSION_ERROR", "local", "session"),
            verdict_of(errors[3]))
        errors = hold_back(function(_, session)
            session:destroy("enough")
        end)
        assert.is_nil(errors[1].retryable)
        assert.is_true(errors[3].retryable)
        assert.equal("enough", errors[3].message)
    end)
end)

describe("the verdict on the error of a session", function()
    after_each(loop.clean)

    it("that the peer leaves with a code, tells each stream whether it was processed", function()
        local errors, peer = play(function(peer)
            peer:send(frames.goaway(1, frames.errors.INTERNAL_ERROR))
        end)
        assert.same(processed("ERR_HTTP2_SESSION_ERROR", "peer", "session"), await(errors, 1))
        assert.same(unprocessed("ERR_HTTP2_SESSION_ERROR", "peer", "session"), await(errors, 3))
        peer:close()
        assert.same(processed("ERR_HTTP2_SESSION_ERROR", "peer", "session"),
            await(errors, "session"))
    end)

    it("whose peer breaks the protocol, is the peer's", function()
        local errors, peer = play(function(peer)
            peer:send(frames.data(0, "x"))
        end)
        peer:await_fault("PROTOCOL_ERROR")
        peer:close()
        for _, key in ipairs{1, 3, "session"} do
            assert.same(processed("ERR_HTTP2_ERROR", "peer", "session"), await(errors, key))
        end
    end)

    it("that is destroyed with a code, is our own", function()
        local errors, peer = play(function(_, session)
            session:destroy(http2.constants.NGHTTP2_INTERNAL_ERROR)
        end)
        peer:close()
        for _, key in ipairs{1, 3, "session"} do
            assert.same(processed("ERR_HTTP2_SESSION_ERROR", "local", "session"),
                await(errors, key))
        end
    end)

    it("whose connection breaks, is the peer's", function()
        local errors = play(function(peer)
            peer:abort()
        end)
        for _, key in ipairs{1, 3, "session"} do
            assert.same(processed("ECONNRESET", "peer", "session"), await(errors, key))
        end
    end)

    it("that cannot connect, is that nothing was processed", function()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. process.refusing_port()))
        local errors = {}
        session:on("error", function(err)
            errors.session = err
        end)
        assert.same(unprocessed("ECONNREFUSED", "peer", "session"), await(errors, "session"))
    end)

    it("that is late, is the peer's", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port,
            {handshakeTimeout = 50}))
        local errors = {}
        session:on("error", function(err)
            errors.session = err
        end)
        listener:accept_silent()
        listener.close()
        assert.same(processed("ERR_HTTP2_ERROR", "peer", "session"), await(errors, "session"))
    end)
end)
