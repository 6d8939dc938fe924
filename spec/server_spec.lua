-- Servers and their streams.
local socket = require("socket")
local http2 = require("http2")
local expect = require("spec.support.expect")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local raised_code = require("spec.support.raised")
local rawpeer = require("spec.support.rawpeer")

-- Plays a scene in which the client sends one request and the server's stream goes to `handler`.
-- Gives the client's view (pair.view), with its `events`.
local function exchange(handler, request)
    local events, view = {}, nil
    pair.play{
        server = function(server)
            server:on("stream", handler)
        end,
        client = function(session)
            local stream = session:request(request or {[":path"] = "/"})
            pair.log(events, "", stream,
                {"response", "headers", "trailers", "end", "aborted", "error", "close"})
            view = pair.view(stream, function()
                session:close()
            end)
            stream:finish()
        end,
    }
    view.events = events
    return view
end

describe("a server", function()
    after_each(loop.clean)

    it("tells its address once it listens", function()
        local expected = expect.new()
        local server = loop.track(http2.createServer())
        assert.is_false(server.listening)
        server:on("listening", expected("listening", 1, function()
            local address = server:address()
            assert.equal("127.0.0.1", address.address)
            assert.equal("IPv4", address.family)
            assert.is_true(address.port > 0)
            assert.is_true(server.listening)
            server:close()
        end))
        server:listen(0, "127.0.0.1", expected("callback of listen"))
        server:on("close", expected("close", 1, function()
            assert.is_false(server.listening)
        end))
        loop.run()
        expected:verify()
    end)

    it("emits an error when the port is taken", function()
        local taken = assert(socket.bind("127.0.0.1", 0))
        local _, port = taken:getsockname()
        local err
        local server = loop.track(http2.createServer())
        server:on("error", function(e)
            err = e
        end)
        server:listen(tonumber(port), "127.0.0.1")
        loop.run()
        taken:close()
        assert.equal("EADDRINUSE", err.code)
        assert.equal("listen", err.syscall)
        assert.equal(tonumber(port), err.port)
    end)

    it("emits session, connect and stream in this order", function()
        local log = {}
        pair.play{
            server = function(server)
                pair.log(log, "server ", server, {"session", "stream"})
                server:on("session", function(session)
                    pair.log(log, "session ", session, {"connect", "stream", "close"})
                end)
                server:on("stream", function(stream)
                    stream:respond()
                    stream:finish()
                end)
            end,
            client = function(session)
                session:request():resume():on("close", function()
                    session:close()
                end)
            end,
        }
        assert.same({
            "server session", "session connect", "session stream", "server stream",
            "session close",
        }, log)
    end)

    it("gives a stream's listener the stream, headers, flags and raw headers", function()
        local id, flags, raw
        local fields = {}
        exchange(function(stream, headers, flag, raw_headers)
            id, flags, raw = stream.id, flag, raw_headers
            for name, value in pairs(headers) do
                fields[name] = value
            end
            stream:respond()
            stream:finish()
        end, {[":path"] = "/here?x=1", ["X-One"] = "1", ["x-many"] = {"a", "b"}})
        assert.equal(1, id)
        assert.equal(frames.END_STREAM | frames.END_HEADERS, flags & 0x5)
        assert.equal("GET", fields[":method"])
        assert.equal("/here?x=1", fields[":path"])
        assert.equal("http", fields[":scheme"])
        assert.truthy(fields[":authority"]:find("^127%.0%.0%.1:%d+$"))
        assert.equal("1", fields["x-one"])
        assert.equal("a, b", fields["x-many"])
        assert.equal(":method", raw[1])
        assert.equal("GET", raw[2])
        assert.equal(0, #raw % 2)
    end)

    it("closes when its last session has ended, and calls back", function()
        local log = {}
        pair.play{
            server = function(server)
                pair.log(log, "server ", server, {"close"})
                server:on("stream", function(stream)
                    server:close(function()
                        log[#log + 1] = "callback"
                    end)
                    stream:respond()
                    stream:finish("still here")
                end)
            end,
            client = function(session)
                pair.collect(session:request(), function(body)
                    log[#log + 1] = body
                    session:close()
                end)
            end,
        }
        table.sort(log)
        assert.same({"callback", "server close", "still here"}, log)
    end)

    it("leaves a stream without a listener open", function()
        local server = pair.serve({}, function() end)
        local peer = rawpeer.connect(rawpeer.port_of(server))
        peer:send(frames.get(1))
        peer:await_pong()
        peer:close()
        for _, seen in ipairs(peer.seen) do
            assert.is_nil(seen:find("(1)", 1, true), seen)
        end
    end)
end)

describe("a server's stream", function()
    after_each(loop.clean)

    it("responds with 200 and the date unless told otherwise", function()
        local view = exchange(function(stream)
            stream:respond()
            stream:finish()
        end)
        assert.equal(200, view.status)
        assert.truthy(view.headers.date:find("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$"))
    end)

    it("omits the date where it is told to, and keeps the program's", function()
        assert.is_nil(exchange(function(stream)
            stream:respond({}, {sendDate = false})
            stream:finish()
        end).headers.date)
        assert.equal("once", exchange(function(stream)
            stream:respond({date = "once"})
            stream:finish()
        end).headers.date)
    end)

    it("sends the headers given, in lower case, repeated for sequences", function()
        local view = exchange(function(stream)
            stream:respond({
                [":status"] = 404, ["X-Number"] = 12, ["x-list"] = {"a", "b"},
                ["Set-Cookie"] = {"one=1", "two=2"},
            })
            stream:finish("nothing here")
        end)
        assert.equal(404, view.status)
        assert.equal("12", view.headers["x-number"])
        assert.equal("a, b", view.headers["x-list"])
        assert.same({"one=1", "two=2"}, view.headers["set-cookie"])
        assert.equal("nothing here", view.body)
    end)

    it("takes headers as a sequence too", function()
        local view = exchange(function(stream)
            stream:respond({":status", 201, "x-a", "1", "x-b", "2"})
            stream:finish()
        end)
        assert.equal(201, view.status)
        assert.equal("1", view.headers["x-a"])
        assert.equal("2", view.headers["x-b"])
    end)

    it("ends with the headers at endStream = true", function()
        local view = exchange(function(stream)
            stream:respond({[":status"] = 204}, {endStream = true})
        end)
        assert.equal(204, view.status)
        assert.equal("", view.body)
        assert.equal(0, view.code)
    end)

    it("answers HEAD without a body", function()
        local view = exchange(function(stream)
            assert.is_true(stream.headRequest)
            stream:respond({["content-length"] = 5})
        end, {[":method"] = "HEAD"})
        assert.equal("5", view.headers["content-length"])
        assert.equal("", view.body)
        assert.equal(0, view.code)
    end)

    it("emits end, finish and close for a request it reads and answers", function()
        local log = {}
        exchange(function(stream)
            pair.log(log, "", stream, {"end", "finish", "aborted", "error", "close"})
            stream:resume()
            stream:on("end", function()
                stream:respond()
                stream:finish("done")
            end)
        end, {[":method"] = "POST"})
        assert.same({"end", "finish", "close"}, log)
    end)

    it("calls the callbacks of write and finish in order", function()
        local log = {}
        local view = exchange(function(stream)
            local function note(what)
                return function(err)
                    assert.is_nil(err)
                    log[#log + 1] = what
                end
            end
            stream:respond()
            stream:write("a", note("a"))
            stream:write("b", note("b"))
            stream:finish("c", note("c"))
            stream:on("finish", note("finish"))
        end)
        assert.equal("abc", view.body)
        assert.same({"a", "b", "c", "finish"}, log)
    end)

    it("sends trailers when it waits for them", function()
        local view = exchange(function(stream)
            stream:respond({}, {waitForTrailers = true})
            stream:on("wantTrailers", function()
                stream:sendTrailers({["x-sum"] = "42"})
            end)
            stream:finish("body")
        end)
        assert.equal("body", view.body)
        assert.equal("42", view.trailers["x-sum"])
        assert.same({"response", "trailers", "end", "close"}, view.events)
    end)

    it("gets the trailers of a request before its end", function()
        local log, trailers = {}, nil
        local server = pair.serve({}, function() end)
        server:on("stream", function(stream)
            pair.log(log, "", stream, {"trailers", "end"})
            stream:on("trailers", function(headers)
                trailers = headers
            end)
            stream:resume()
            stream:on("end", function()
                stream:respond()
                stream:finish()
            end)
        end)
        local peer = rawpeer.connect(rawpeer.port_of(server))
        peer:send(frames.post(1), frames.data(1, "body"),
            frames.headers(1, {"x-sum", "7"}, frames.END_HEADERS | frames.END_STREAM))
        assert.equal(200, peer:await_answer(1).status)
        peer:close()
        assert.same({"trailers", "end"}, log)
        assert.equal("7", trailers["x-sum"])
    end)

    it("raises what Node raises for a wrong call, and stays usable", function()
        local codes = {}
        local view = exchange(function(stream)
            local function try(name, ...)
                codes[#codes + 1] = raised_code(stream[name], stream, ...)
            end
            try("respond", {[":status"] = 99})
            try("respond", {[":status"] = 101})
            try("respond", {connection = "close"})
            try("respond", {[":foo"] = "x"})
            try("respond", {["content-type"] = {"a", "b"}})
            try("respond", {["x y"] = "1"})
            try("respond", {x = "a\r\nb: c"})
            try("sendTrailers", {})
            stream:respond({[":status"] = 200})
            try("respond", {[":status"] = 200})
            stream:finish("fine")
        end)
        assert.equal("fine", view.body)
        assert.same({
            "ERR_HTTP2_STATUS_INVALID", "ERR_HTTP2_STATUS_INVALID",
            "ERR_HTTP2_INVALID_CONNECTION_HEADERS", "ERR_HTTP2_INVALID_PSEUDOHEADER",
            "ERR_HTTP2_HEADER_SINGLE_VALUE", "ERR_INVALID_HTTP_TOKEN", "ERR_INVALID_CHAR",
            "ERR_HTTP2_TRAILERS_NOT_READY", "ERR_HTTP2_HEADERS_SENT",
        }, codes)
    end)

    it("raises ERR_HTTP2_INVALID_STREAM once it is closed", function()
        local code
        exchange(function(stream)
            stream:on("close", function()
                code = raised_code(stream.respond, stream)
            end)
            stream:close()
        end)
        assert.equal("ERR_HTTP2_INVALID_STREAM", code)
    end)
end)

-- behaviour.md 4: what each way to end a stream shows on both sides.
describe("ending a server's stream", function()
    after_each(loop.clean)

    local function both_sides(ending)
        local own = {}
        local view = exchange(function(stream)
            pair.log(own, "", stream, {"aborted", "error", "close"})
            stream:on("error", function(err)
                own.err = err
            end)
            stream:on("close", function()
                own.code = stream.rstCode
            end)
            ending(stream)
        end)
        return own, view
    end

    it("by close(CANCEL) is no error on either side", function()
        local own, view = both_sides(function(stream)
            stream:close(8)
        end)
        assert.equal(8, own.code)
        assert.equal(8, view.code)
        assert.is_nil(own.err)
        assert.is_nil(view.err)
        assert.is_nil(view.status)
    end)

    it("by close(INTERNAL_ERROR) is an error on both sides", function()
        local own, view = both_sides(function(stream)
            stream:close(2)
        end)
        assert.equal(2, own.code)
        assert.equal(2, view.code)
        assert.equal("ERR_HTTP2_STREAM_ERROR", own.err.code)
        assert.equal("ERR_HTTP2_STREAM_ERROR", view.err.code)
        assert.truthy(view.err.message:find("NGHTTP2_INTERNAL_ERROR", 1, true))
    end)

    it("in the middle of a response resets it with the code", function()
        local own, view = both_sides(function(stream)
            stream:respond()
            stream:write("part", function()
                stream:close(2)
            end)
        end)
        assert.equal(2, own.code)
        assert.equal(2, view.code)
        assert.equal(200, view.status)
    end)

    it("by destroy() is no error", function()
        local own, view = both_sides(function(stream)
            stream:destroy()
        end)
        assert.equal(0, own.code)
        assert.equal(0, view.code)
        assert.is_nil(own.err)
        assert.is_nil(view.err)
    end)

    it("by destroy(error) is that error here and INTERNAL_ERROR there", function()
        local mine = "it broke"
        local own, view = both_sides(function(stream)
            stream:destroy(mine)
        end)
        assert.equal(2, own.code)
        assert.equal(2, view.code)
        assert.equal(mine, own.err.message)
        assert.equal("ERR_HTTP2_STREAM_ERROR", view.err.code)
    end)

    it("happens when the client resets it: aborted, then close with the client's code", function()
        local log, code = {}, nil
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    pair.log(log, "", stream, {"aborted", "error", "close"})
                    stream:on("close", function()
                        code = stream.rstCode
                        assert.is_true(stream.aborted)
                    end)
                    stream:respond()
                    stream:write("part")
                end)
            end,
            client = function(session)
                local stream = session:request()
                stream:on("response", function()
                    stream:close(8)
                end)
                stream:on("close", function()
                    session:close()
                end)
            end,
        }
        assert.same({"aborted", "close"}, log)
        assert.equal(8, code)
    end)
end)
