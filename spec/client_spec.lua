-- Client sessions and their streams.
local http2 = require("http2")
local expect = require("spec.support.expect")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local rawpeer = require("spec.support.rawpeer")
local client = require("spec.support.scripted_server")

local echo = pair.echo
local scripted, watch, await_close = client.scripted, client.watch, client.await_close

describe("a client session", function()
    after_each(loop.clean)

    it("emits connect, then its streams go ready, response, end, close", function()
        local log = {}
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    stream:respond()
                    stream:finish("body")
                end)
            end,
            client = function(session)
                pair.log(log, "session ", session, {"connect", "close"})
                local stream = session:request()
                assert.is_true(stream.pending)
                assert.is_nil(stream.id)
                pair.log(log, "", stream, {"ready", "finish", "response", "end", "close"})
                stream:resume()
                stream:on("close", function()
                    session:close()
                end)
            end,
        }
        assert.same({
            "session connect", "ready", "finish", "response", "end", "close", "session close",
        }, log)
    end)

    it("calls the listener given to connect", function()
        local expected = expect.new()
        local server
        server = pair.serve({}, function(port)
            loop.track(http2.connect("http://127.0.0.1:" .. port, expected("connect", 1,
                function(session, socket)
                    assert.is_truthy(socket)
                    assert.is_false(session.encrypted)
                    session:close()
                    server:close()
                end)))
        end)
        loop.run()
        expected:verify()
    end)

    it("sends the preface, SETTINGS and the request without waiting for the server", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port,
            {settings = {initialWindowSize = 100000, enablePush = false}}))
        session:request({[":path"] = "/early"})
        local peer = listener:accept_silent()
        peer:read_preface()
        assert.same({
            [frames.ENABLE_PUSH] = 0, [frames.INITIAL_WINDOW_SIZE] = 100000,
        }, {
            [frames.ENABLE_PUSH] = peer.settings[frames.ENABLE_PUSH],
            [frames.INITIAL_WINDOW_SIZE] = peer.settings[frames.INITIAL_WINDOW_SIZE],
        })
        local request = peer:await_frame(frames.HEADERS, 1)
        assert.equal("/early", request.fields[":path"])
        assert.equal("GET", request.fields[":method"])
        assert.equal("http", request.fields[":scheme"])
        assert.equal("127.0.0.1:" .. listener.port, request.fields[":authority"])
        assert.is_true(frames.has(request, frames.END_STREAM))
        listener:close()
        peer:close()
    end)

    it("puts pseudo-fields first, whatever the order of the table", function()
        local session, peer = scripted()
        session:request({["x-first"] = "1", [":path"] = "/p", accept = "a", [":method"] = "PUT"})
        local request = peer:await_frame(frames.HEADERS, 1)
        local regular = false
        for _, field in ipairs(request.fields) do
            local is_pseudo = field[1]:sub(1, 1) == ":"
            assert.is_false(regular and is_pseudo)
            regular = regular or not is_pseudo
        end
        assert.is_false(frames.has(request, frames.END_STREAM))
        peer:close()
    end)

    it("never indexes the fields it is told are sensitive", function()
        local session, peer = scripted()
        session:request({
            [":path"] = "/", ["x-secret"] = "s", ["x-open"] = "o",
            [http2.sensitiveHeaders] = {"x-secret"},
        })
        local request = peer:await_frame(frames.HEADERS, 1)
        assert.is_true(request.fields.never["x-secret"])
        assert.is_nil(request.fields.never["x-open"])
        peer:close()
    end)

    it("keeps requests back above the server's limit of streams", function()
        local session, peer = scripted({}, {{frames.MAX_CONCURRENT_STREAMS, 1}})
        peer:await_settings_ack()
        for _ = 1, 3 do
            session:request():resume()
        end
        for id = 1, 5, 2 do
            peer:await_frame(frames.HEADERS, id)
            assert.same({}, peer:await_pong())
            peer:send(frames.response(id, 200, nil, frames.END_HEADERS | frames.END_STREAM))
        end
        peer:close()
    end)

    it("gives the settings of the server", function()
        local session, peer = scripted({}, {
            {frames.MAX_CONCURRENT_STREAMS, 7}, {frames.INITIAL_WINDOW_SIZE, 1234},
        })
        local settings
        session:on("remoteSettings", function(remote)
            settings = remote
        end)
        assert(rawpeer.turn_until(function() return settings end))
        assert.equal(7, settings.maxConcurrentStreams)
        assert.equal(1234, settings.initialWindowSize)
        assert.equal(1234, session.remoteSettings.initialWindowSize)
        peer:close()
    end)

    it("raises for requests after close and after destroy", function()
        local codes = {}
        local session, peer = scripted()
        local function try()
            local _, err = pcall(session.request, session)
            codes[#codes + 1] = err.code
        end
        session:request()
        session:close()
        try()
        session:destroy()
        try()
        assert.same({"ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_INVALID_SESSION"}, codes)
        assert.is_true(session.closed)
        assert.is_true(session.destroyed)
        peer:close()
    end)
end)

describe("a client's stream", function()
    after_each(loop.clean)

    it("uploads and downloads at once", function()
        local sent = payload.make(300000)
        local got
        pair.play{
            server = function(server)
                server:on("stream", echo)
            end,
            client = function(session)
                local stream = session:request({[":method"] = "POST"})
                pair.collect(stream, function(body)
                    got = body
                    session:close()
                end)
                for at = 1, #sent, 10000 do
                    stream:write(sent:sub(at, at + 9999))
                end
                stream:finish()
            end,
        }
        assert.is_nil(payload.difference(got, sent))
    end)

    it("emits headers for interim responses before the response", function()
        local session, peer = scripted()
        local stream = session:request()
        local view, statuses = watch(stream), {}
        stream:on("headers", function(headers)
            statuses[#statuses + 1] = headers[":status"]
        end)
        stream:resume()
        peer:await_frame(frames.HEADERS, 1)
        peer:send(
            frames.response(1, 103, {"link", "</a.css>"}), frames.response(1, 100),
            frames.response(1, 200), frames.data(1, "", frames.END_STREAM))
        await_close(view)
        assert.same({103, 100}, statuses)
        assert.same({"headers", "headers", "continue", "response", "end", "close"}, view.events)
        peer:close()
    end)

    it("gets trailers before its end", function()
        local session, peer = scripted()
        local stream = session:request()
        local view, trailers = watch(stream), nil
        stream:on("trailers", function(headers)
            trailers = headers
        end)
        stream:resume()
        peer:await_frame(frames.HEADERS, 1)
        peer:send(frames.response(1, 200), frames.data(1, "body"),
            frames.headers(1, {"x-sum", "9"}, frames.END_HEADERS | frames.END_STREAM))
        await_close(view)
        assert.equal("9", trailers["x-sum"])
        assert.same({"response", "trailers", "end", "close"}, view.events)
        peer:close()
    end)

    it("sends trailers behind its body", function()
        local session, peer = scripted()
        local stream = session:request({[":method"] = "POST"}, {waitForTrailers = true})
        stream:on("wantTrailers", function()
            stream:sendTrailers({["x-sum"] = "3"})
        end)
        stream:finish("abc")
        assert.equal("abc", peer:await_frame(frames.DATA, 1).payload)
        local trailers = peer:await_frame(frames.HEADERS, 1)
        assert.equal("3", trailers.fields["x-sum"])
        assert.is_true(frames.has(trailers, frames.END_STREAM))
        peer:close()
    end)

    it("gives received headers their shapes", function()
        local session, peer = scripted()
        local stream = session:request()
        local view = watch(stream)
        stream:resume()
        peer:await_frame(frames.HEADERS, 1)
        peer:send(frames.response(1, 200, {
            "set-cookie", "a=1", "x-many", "one", "x-many", "two", "age", "1", "age", "2",
            "cookie", "c=1", "cookie", "d=2",
        }, frames.END_HEADERS | frames.END_STREAM))
        await_close(view)
        assert.equal(200, view.headers[":status"])
        assert.equal("integer", math.type(view.headers[":status"]))
        assert.same({"a=1"}, view.headers["set-cookie"])
        assert.equal("one, two", view.headers["x-many"])
        assert.equal("1", view.headers.age)
        assert.equal("c=1; d=2", view.headers.cookie)
        peer:close()
    end)

    it("that nobody reads has neither end nor close, and gives no window back", function()
        local session, peer = scripted()
        local stream = session:request()
        local view = watch(stream)
        peer:await_frame(frames.HEADERS, 1)
        peer:send(frames.response(1, 200))
        for _ = 1, 3 do
            peer:send(frames.data(1, payload.make(16384)))
        end
        peer:send(frames.data(1, payload.make(16383), frames.END_STREAM))
        for _, frame in ipairs(peer:await_pong()) do
            assert.is_false(frame.type == frames.WINDOW_UPDATE and frame.id == 1)
        end
        assert.same({"response"}, view.events)
        local octets = 0
        stream:on("data", function(chunk)
            octets = octets + #chunk
        end)
        await_close(view)
        assert.equal(65535, octets)
        assert.same({"response", "end", "close"}, view.events)
        peer:close()
    end)

    it("gives window back when it is read", function()
        local session, peer = scripted()
        local stream = session:request()
        peer:await_frame(frames.HEADERS, 1)
        peer:send(frames.response(1, 200))
        for _ = 1, 3 do
            peer:send(frames.data(1, payload.make(16384)))
        end
        for _, frame in ipairs(peer:await_pong()) do
            assert.is_false(frame.type == frames.WINDOW_UPDATE and frame.id == 1)
        end
        stream:resume()
        assert.is_true(peer:await_frame(frames.WINDOW_UPDATE, 1).increment > 0)
        peer:close()
    end)

    it("does not block other streams while it is not read", function()
        local session, peer = scripted()
        local unread = session:request()
        unread:on("error", function() end)
        peer:await_frame(frames.HEADERS, 1)
        peer:send(frames.response(1, 200))
        for _ = 1, 3 do
            peer:send(frames.data(1, payload.make(16384)))
        end
        peer:send(frames.data(1, payload.make(16383)))
        -- The connection's window is given back on arrival.
        local credit = 0
        while credit < 32768 do
            credit = credit + peer:await_frame(frames.WINDOW_UPDATE, 0).increment
        end
        local body
        pair.collect(session:request(), function(all)
            body = all
        end)
        peer:await_frame(frames.HEADERS, 3)
        peer:send(frames.response(3, 200), frames.data(3, "through", frames.END_STREAM))
        rawpeer.turn_until(function() return body end)
        assert.equal("through", body)
        peer:close()
    end)

    it("writes no more than the server's window, and goes on with more", function()
        local session, peer = scripted({}, {{frames.INITIAL_WINDOW_SIZE, 10}})
        peer:await_settings_ack()
        local stream = session:request({[":method"] = "POST"})
        stream:finish("0123456789abcdef")
        assert.equal("0123456789", peer:await_frame(frames.DATA, 1).payload)
        assert.same({}, peer:await_pong())
        peer:send(frames.window_update(1, 4))
        assert.equal("abcd", peer:await_frame(frames.DATA, 1).payload)
        peer:send(frames.window_update(1, 100))
        local last = peer:await_frame(frames.DATA, 1)
        assert.equal("ef", last.payload)
        assert.is_true(frames.has(last, frames.END_STREAM))
        peer:close()
    end)

    it("says when to stop writing, and when to go on", function()
        local session, peer = scripted({}, {{frames.INITIAL_WINDOW_SIZE, 0}})
        peer:await_settings_ack()
        local stream = session:request({[":method"] = "POST"})
        local drained = false
        stream:on("drain", function()
            drained = true
        end)
        assert.is_true(stream:write("x"))
        assert.is_false(stream:write(payload.make(20000)))
        assert.is_true(stream.writableNeedDrain)
        peer:await_pong()
        assert.is_false(drained)
        peer:send(frames.window_update(1, 30000))
        rawpeer.turn_until(function() return drained or nil end)
        assert.is_true(drained)
        peer:close()
    end)

    -- behaviour.md 4: error for all codes but NO_ERROR and CANCEL; aborted while it was writing.
    it("takes a reset by the server", function()
        local cases = {
            {code = 0, method = "GET", events = {"end", "close"}},
            {code = 8, method = "GET", events = {"end", "close"}},
            {code = 8, method = "POST", events = {"aborted", "end", "close"}},
            {code = 2, method = "GET", events = {"error", "close"}},
            {code = 11, method = "POST", events = {"aborted", "error", "close"}},
        }
        for _, case in ipairs(cases) do
            local session, peer = scripted()
            local stream = session:request({[":method"] = case.method})
            local view = watch(stream)
            stream:resume()
            peer:await_frame(frames.HEADERS, 1)
            peer:send(frames.rst_stream(1, case.code))
            await_close(view)
            assert.same(case.events, view.events)
            assert.equal(case.code, view.code)
            assert.equal(case.method == "POST", stream.aborted)
            if view.err then
                assert.equal("ERR_HTTP2_STREAM_ERROR", view.err.code)
                assert.equal("peer", view.err.by)
                assert.equal("stream", view.err.scope)
            end
            peer:close()
        end
    end)

    it("knows from REFUSED_STREAM that it may be sent again", function()
        local session, peer = scripted()
        local view = watch(session:request())
        peer:await_frame(frames.HEADERS, 1)
        peer:send(frames.rst_stream(1, frames.errors.REFUSED_STREAM))
        await_close(view)
        assert.equal(7, view.code)
        assert.is_false(view.err.processed)
        assert.is_true(view.err.retryable)
        peer:close()
    end)

    it("resets with the code given to close, and with INTERNAL_ERROR for an error", function()
        local session, peer = scripted()
        local stream = session:request({[":method"] = "POST"})
        local view = watch(stream)
        peer:await_frame(frames.HEADERS, 1)
        stream:close(11)
        assert.equal(11, peer:await_frame(frames.RST_STREAM, 1).code)
        await_close(view)
        assert.equal(11, view.code)
        assert.equal("ERR_HTTP2_STREAM_ERROR", view.err.code)

        local destroyed = session:request({[":method"] = "POST"})
        view = watch(destroyed)
        peer:await_frame(frames.HEADERS, 3)
        destroyed:destroy("enough")
        assert.equal(2, peer:await_frame(frames.RST_STREAM, 3).code)
        await_close(view)
        assert.equal("enough", view.err.message)
        peer:close()
    end)

    it("that is answered while it uploads, and asked to stop, ends without an error", function()
        local session, peer = scripted()
        local stream = session:request({[":method"] = "POST"})
        local view = watch(stream)
        stream:resume()
        stream:write("the beginning")
        peer:await_frame(frames.DATA, 1)
        peer:send(frames.response(1, 413), frames.data(1, "enough", frames.END_STREAM),
            frames.rst_stream(1, 0))
        await_close(view)
        assert.same({"response", "end", "aborted", "close"}, view.events)
        assert.equal(413, view.headers[":status"])
        assert.equal(0, view.code)
        peer:close()
    end)

    it("destroyed before it was sent is never sent", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        session:request({[":path"] = "/sent"})
        local never = session:request({[":path"] = "/never"})
        local view = watch(never)
        never:destroy()
        local peer = listener:accept()
        assert.equal("/sent", peer:await_frame(frames.HEADERS, 1).fields[":path"])
        for _, frame in ipairs(peer:await_pong()) do
            assert.not_equal(frames.HEADERS, frame.type)
        end
        assert.is_nil(never.id)
        assert.is_true(view.closed)
        listener:close()
        peer:close()
    end)
end)
