-- Members of streams: timeouts, what was sent, priorities, states, trailers, pushes, the ways of
-- ending, and wrong calls.
local http2 = require("http2")
local expect = require("spec.support.expect")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pace = require("spec.support.pace")
local pair = require("spec.support.pair")
local payload = require("spec.support.payload")
local raised_code = require("spec.support.raised")
local rawpeer = require("spec.support.rawpeer")
local timers = require("http2.timers")

local function after(ms, fn)
    return timers.setTimeout(fn, ms)
end

local events = {"ready", "response", "headers", "trailers", "end", "finish", "aborted", "close"}

-- Plays a scene in which the client sends one request and the server's stream goes to `handler`;
-- `ask(stream, session)` has the client's. Gives both views: {events, code, err, stream, body}.
local function exchange(handler, request, ask, scene)
    local here, there = {events = {}}, {events = {}}
    local function watch(view, stream)
        view.stream = stream
        pair.log(view.events, "", stream, events)
        stream:on("error", function(err)
            view.err = err
            view.events[#view.events + 1] = "error"
        end)
        stream:on("close", function()
            view.code = stream.rstCode
        end)
    end
    scene = scene or {}
    function scene.server(server)
        server:on("stream", function(stream, headers)
            watch(there, stream)
            handler(stream, headers)
        end)
    end
    function scene.client(session)
        local options = request and request.options
        local stream = session:request(request and request.headers or {[":path"] = "/"}, options)
        watch(here, stream)
        stream:on("trailers", function(trailers)
            here.trailers = trailers
        end)
        stream:on("response", function(headers)
            here.headers = headers
        end)
        stream:on("close", function()
            session:close()
        end)
        if ask then
            ask(stream, session)
        else
            pair.collect(stream, function(body)
                here.body = body
            end)
        end
    end
    pair.play(scene)
    return here, there
end

local function answer(stream)
    stream:respond({}, {endStream = true})
end

local post = {headers = {[":path"] = "/", [":method"] = "POST"}}

describe("setTimeout of a stream", function()
    after_each(loop.clean)

    it("tells of each idle period, closes nothing, and calls back once", function()
        local expected = expect.new()
        local count = 0
        exchange(function(stream)
            assert.equal(stream, stream:setTimeout(20, expected("callback")))
            stream:on("timeout", function()
                count = count + 1
                if count == 1 then
                    stream:setTimeout(20)
                else
                    answer(stream)
                end
            end)
        end)
        expected:verify()
        assert.equal(2, count)
    end)

    -- Writes six times, with less than the timeout between them, and then ends the stream.
    local function write_slowly(stream, unit)
        for i = 1, 6 do
            after(unit * i, function()
                stream:write("x")
            end)
        end
        after(unit * 7, function()
            stream:finish()
        end)
    end

    it("is put off by what it sends", function()
        pace.try(function(unit)
            local timeouts = 0
            local here = exchange(function(stream)
                stream:setTimeout(3 * unit)
                stream:on("timeout", function()
                    timeouts = timeouts + 1
                end)
                stream:respond()
                write_slowly(stream, unit)
            end)
            assert.equal("xxxxxx", here.body)
            assert.equal(0, timeouts)
        end)
    end)

    it("is put off by what it receives", function()
        pace.try(function(unit)
            local timeouts = 0
            exchange(function(stream)
                stream:setTimeout(3 * unit)
                stream:on("timeout", function()
                    timeouts = timeouts + 1
                end)
                stream:resume():on("end", function()
                    answer(stream)
                end)
            end, post, function(stream)
                write_slowly(stream, unit)
                stream:resume()
            end)
            assert.equal(0, timeouts)
        end)
    end)

    it("is put off while what was written still moves", function()
        pace.try(function(unit)
            local timeouts = 0
            exchange(function(stream)
                stream:respond()
                stream:setTimeout(3 * unit, function()
                    timeouts = timeouts + 1
                end)
                stream:finish(payload.make(20000))
            end, nil, function(stream)
                -- Reads a little at a time, so that a window's worth comes after the other.
                local function read_some()
                    if stream:read(2000) or not stream.readableEnded then
                        after(unit, read_some)
                    end
                end
                stream:on("readable", function() end)
                stream:on("response", read_some)
            end, {client_options = {settings = {initialWindowSize = 2000}}})
            assert.equal(0, timeouts)
        end)
    end)

    it("is turned off by 0, and by the stream's end", function()
        local late = 0
        local _, there = exchange(function(stream)
            stream:setTimeout(10, function()
                late = late + 1
            end)
            stream:setTimeout(0)
            after(30, function()
                stream:setTimeout(30)
                stream:on("timeout", function()
                    late = late + (stream.destroyed and 1 or 0)
                end)
                answer(stream)
            end)
        end)
        there.stream:setTimeout(10, function()
            late = late + 1
        end)
        after(60, function() end)
        loop.run()
        assert.equal(0, late)
    end)

    it("raises for a wrong call", function()
        exchange(function(stream)
            assert.equal("ERR_INVALID_ARG_TYPE", raised_code(stream.setTimeout, stream))
            assert.equal("ERR_INVALID_ARG_TYPE", raised_code(stream.setTimeout, stream, "1"))
            for _, wrong in ipairs{-1, 0 / 0, math.huge} do
                assert.equal("ERR_OUT_OF_RANGE", raised_code(stream.setTimeout, stream, wrong))
            end
            assert.equal("ERR_INVALID_ARG_TYPE", raised_code(stream.setTimeout, stream, 1, "fn"))
            answer(stream)
        end)
    end)
end)

describe("what a stream has sent", function()
    after_each(loop.clean)

    it("is the response's headers with status and date, as they were spelt", function()
        local given = {["X-Name"] = {"a", "b"}, ["Content-Length"] = 0}
        local here, there = exchange(function(stream)
            assert.is_nil(stream.sentHeaders)
            stream:respond(given, {endStream = true})
            given["x-later"] = 1
            given["x-later"] = nil
        end)
        local sent = there.stream.sentHeaders
        assert.equal(here.headers.date, sent.date)
        assert.same({
            [":status"] = 200, date = sent.date, ["X-Name"] = {"a", "b"}, ["Content-Length"] = 0,
        }, sent)
        assert.equal(sent, there.stream.sentHeaders)
        assert.is_nil(given.date)
    end)

    it("keeps status and date of the program, in any spelling", function()
        local _, there = exchange(function(stream)
            stream:respond({[":status"] = "201", Date = "once"}, {endStream = true})
        end)
        assert.same({[":status"] = "201", Date = "once"}, there.stream.sentHeaders)
        _, there = exchange(function(stream)
            stream:respond({}, {endStream = true, sendDate = false})
        end)
        assert.same({[":status"] = 200}, there.stream.sentHeaders)
        _, there = exchange(function(stream)
            stream:respond({":status", 202, "x-a", "1", "x-a", "2"}, {sendDate = false})
            stream:finish()
        end)
        assert.same({[":status"] = 202, ["x-a"] = {"1", "2"}}, there.stream.sentHeaders)
    end)

    it("is told of responses that began by writing", function()
        local here, there = exchange(function(stream)
            stream:finish("body")
        end)
        assert.same({[":status"] = 200, date = here.headers.date}, there.stream.sentHeaders)
    end)

    it("is the request's headers with what was added", function()
        local here = exchange(answer, {headers = {["X-A"] = 1, [":path"] = "/p"}})
        local sent = here.stream.sentHeaders
        assert.truthy(sent[":authority"]:find("^127%.0%.0%.1:%d+$"))
        assert.same({
            [":authority"] = sent[":authority"], [":scheme"] = "http", [":method"] = "GET",
            [":path"] = "/p", ["X-A"] = 1,
        }, sent)
        here = exchange(answer, {headers = {host = "h", [":method"] = "PUT"}}, function(stream)
            stream:resume()
            stream:finish()
        end)
        assert.same({
            host = "h", [":scheme"] = "http", [":method"] = "PUT", [":path"] = "/",
        }, here.stream.sentHeaders)
    end)

    it("is each 1xx response, and the trailers", function()
        local _, there = exchange(function(stream)
            assert.is_nil(stream.sentInfoHeaders)
            assert.is_nil(stream.sentTrailers)
            stream:additionalHeaders({[":status"] = 103, Link = "</a>"})
            stream:additionalHeaders({[":status"] = 102})
            stream:respond({}, {waitForTrailers = true})
            stream:on("wantTrailers", function()
                stream:sendTrailers({["X-Sum"] = 7})
                assert.same({["X-Sum"] = 7}, stream.sentTrailers)
            end)
            stream:finish()
        end)
        assert.same({{[":status"] = 103, Link = "</a>"}, {[":status"] = 102}},
            there.stream.sentInfoHeaders)
        assert.same({["X-Sum"] = 7}, there.stream.sentTrailers)
    end)

    it("is known by headersSent: of a server when it has responded, of a client always", function()
        exchange(function(stream)
            assert.is_false(stream.headersSent)
            stream:additionalHeaders({[":status"] = 103})
            assert.is_false(stream.headersSent)
            answer(stream)
            assert.is_true(stream.headersSent)
        end, nil, function(stream)
            assert.is_true(stream.headersSent)
            stream:resume()
        end)
    end)
end)

describe("the priority of a stream", function()
    after_each(loop.clean)

    it("goes out as PRIORITY_UPDATE, once the stream has its identifier", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        local stream = session:request()
        stream:priority({urgency = 1, incremental = true})
        local peer = listener:accept()
        local update = peer:await("PRIORITY_UPDATE", function(frame)
            return frame.type == 0x10
        end)
        assert.equal("\0\0\0\1u=1, i", update.payload)
        session:destroy()
        peer:close()
        listener.close()
    end)

    it("takes the options of RFC 7540 and does nothing with them", function()
        exchange(function(stream)
            stream:priority({weight = 200, parent = 0, exclusive = true, silent = true})
            stream:priority()
            answer(stream)
        end, {headers = {}, options = {weight = 1, parent = 0, exclusive = false}})
    end)

    it("raises for what is wrong", function()
        local here = exchange(function(stream)
            for _, wrong in ipairs{
                {"ERR_INVALID_ARG_TYPE", 1}, {"ERR_INVALID_ARG_TYPE", {weight = "1"}},
                {"ERR_INVALID_ARG_TYPE", {parent = "1"}}, {"ERR_OUT_OF_RANGE", {parent = -1}},
                {"ERR_INVALID_ARG_TYPE", {exclusive = 1}}, {"ERR_INVALID_ARG_TYPE", {silent = 1}},
                {"ERR_OUT_OF_RANGE", {urgency = 8}}, {"ERR_INVALID_ARG_TYPE", {urgency = "1"}},
                {"ERR_INVALID_ARG_TYPE", {incremental = 1}},
            } do
                assert.equal(wrong[1], raised_code(stream.priority, stream, wrong[2]))
            end
            answer(stream)
        end)
        assert.equal("ERR_HTTP2_INVALID_STREAM",
            raised_code(here.stream.priority, here.stream, {}))
    end)
end)

describe("the state of a stream", function()
    after_each(loop.clean)

    it("has Node's figures while the stream lives", function()
        local arrived, later
        local here = exchange(function(stream)
            arrived = stream.state
            stream:respond()
            stream:finish()
            later = stream.state
        end, post, function(stream)
            assert.same({}, stream.state)
            stream:on("response", function()
                stream:finish()
            end)
            stream:resume()
        end)
        assert.same({
            state = http2.constants.NGHTTP2_STREAM_STATE_OPEN, weight = 16,
            sumDependencyWeight = 0, localClose = 0, remoteClose = 0, localWindowSize = 65535,
        }, arrived)
        assert.equal(1, later.localClose)
        assert.equal(http2.constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_LOCAL, later.state)
        assert.same({}, here.stream.state)
    end)

    it("is idle while the peer's limit holds the request back", function()
        local states = {}
        pair.play{
            server_options = {settings = {maxConcurrentStreams = 1}},
            server = function(server)
                server:on("stream", function(stream)
                    after(20, function()
                        answer(stream)
                    end)
                end)
            end,
            client = function(session)
                session:once("remoteSettings", function()
                    session:request():resume()
                    local second = session:request()
                    assert.equal(3, second.id)
                    assert.is_false(second.pending)
                    states[1] = second.state.state
                    states[2] = second.state.weight
                    second:resume():on("close", function()
                        session:close()
                    end)
                end)
            end,
        }
        assert.same({1, 0}, states)
    end)

    it("keeps id and rstCode after the end, and nothing else", function()
        local here, there = exchange(answer)
        for _, view in ipairs{here, there} do
            local stream = view.stream
            assert.equal(1, stream.id)
            assert.equal(0, stream.rstCode)
            assert.is_true(stream.closed)
            assert.is_true(stream.destroyed)
            assert.is_false(stream.pending)
            assert.is_nil(stream.session)
            assert.equal(0, stream.bufferSize)
        end
        assert.is_true(there.stream.endAfterHeaders)
        assert.is_false(here.stream.endAfterHeaders)
    end)
end)

describe("trailers of a stream", function()
    after_each(loop.clean)

    it("can be retried when they were wrong, and are sent once", function()
        local codes = {}
        local here = exchange(function(stream)
            stream:respond({}, {waitForTrailers = true})
            stream:on("wantTrailers", function()
                for _, wrong in ipairs{{[":status"] = 1}, {connection = "x"}, {["a b"] = "x"}} do
                    codes[#codes + 1] = raised_code(stream.sendTrailers, stream, wrong)
                end
                codes[#codes + 1] = raised_code(stream.sendTrailers, stream)
                codes[#codes + 1] = raised_code(stream.sendTrailers, stream, "x")
                stream:sendTrailers({["x-sum"] = "1"})
                codes[#codes + 1] = raised_code(stream.sendTrailers, stream, {})
            end)
            codes[#codes + 1] = raised_code(stream.sendTrailers, stream, {})
            stream:finish("body")
        end)
        assert.equal("1", here.trailers["x-sum"])
        assert.same({
            "ERR_HTTP2_TRAILERS_NOT_READY", "ERR_HTTP2_INVALID_PSEUDOHEADER",
            "ERR_HTTP2_INVALID_CONNECTION_HEADERS", "ERR_INVALID_HTTP_TOKEN",
            "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE", "ERR_HTTP2_TRAILERS_ALREADY_SENT",
        }, codes)
    end)

    it("leave the stream open until they are sent; close() sends a reset instead", function()
        local here = exchange(function(stream)
            stream:respond({}, {waitForTrailers = true})
            stream:on("wantTrailers", function()
                after(20, function()
                    assert.is_false(stream.closed)
                    stream:close()
                end)
            end)
            stream:finish("body")
        end)
        assert.equal("body", here.body)
        assert.equal(0, here.code)
    end)

    it("may be empty, and without a listener they are", function()
        for _, with_listener in ipairs{true, false} do
            local here = exchange(function(stream)
                stream:respond({}, {waitForTrailers = true})
                if with_listener then
                    stream:on("wantTrailers", function()
                        stream:sendTrailers({})
                    end)
                end
                stream:finish("body")
            end)
            assert.equal("body", here.body)
            assert.is_nil(here.trailers)
            assert.equal(0, here.code)
        end
    end)

    it("can be a client's", function()
        local seen
        exchange(function(stream)
            stream:resume():on("trailers", function(trailers)
                seen = trailers["x-sum"]
            end)
            stream:on("end", function()
                answer(stream)
            end)
        end, {headers = post.headers, options = {waitForTrailers = true}}, function(stream)
            stream:on("wantTrailers", function()
                stream:sendTrailers({["x-sum"] = "9"})
            end)
            stream:resume()
            stream:finish("body")
        end)
        assert.equal("9", seen)
    end)
end)

describe("additionalHeaders", function()
    after_each(loop.clean)

    it("sends any number of 1xx responses, 100 with its own event", function()
        local seen = {}
        exchange(function(stream)
            stream:additionalHeaders({[":status"] = 100})
            stream:additionalHeaders({[":status"] = 103, link = "x"})
            answer(stream)
        end, nil, function(stream)
            stream:on("headers", function(headers, flags, raw)
                seen[#seen + 1] = headers[":status"]
                assert.equal("number", type(flags))
                assert.equal(":status", raw[1])
            end)
            stream:on("continue", function()
                seen[#seen + 1] = "continue"
            end)
            stream:resume()
        end)
        assert.same({100, "continue", 103}, seen)
    end)

    it("raises for what is wrong", function()
        local codes = {}
        local here, there = exchange(function(stream)
            local function try(headers)
                codes[#codes + 1] = raised_code(stream.additionalHeaders, stream, headers)
            end
            try({[":status"] = 101})
            try({[":status"] = 200})
            try({[":status"] = 99})
            try({})
            try(nil)
            try({[":status"] = 103, [":path"] = "x"})
            try({[":status"] = 103, connection = "x"})
            answer(stream)
            try({[":status"] = 103})
        end)
        assert.equal(0, here.code)
        codes[#codes + 1] = raised_code(there.stream.additionalHeaders, there.stream, {})
        assert.same({
            "ERR_HTTP2_STATUS_101", "ERR_HTTP2_INVALID_INFO_STATUS",
            "ERR_HTTP2_INVALID_INFO_STATUS", "ERR_HTTP2_INVALID_INFO_STATUS",
            "ERR_INVALID_ARG_TYPE", "ERR_HTTP2_INVALID_PSEUDOHEADER",
            "ERR_HTTP2_INVALID_CONNECTION_HEADERS", "ERR_HTTP2_HEADERS_AFTER_RESPOND",
            "ERR_HTTP2_INVALID_STREAM",
        }, codes)
    end)
end)

describe("pushStream", function()
    after_each(loop.clean)

    -- A request whose handler pushes; `push(stream)` runs on the server. Gives the pushed streams
    -- as the client saw them: {headers, response, body, code}.
    local function push(handler, client_options)
        local pushed = {}
        pair.play{
            client_options = client_options,
            server = function(server)
                server:on("stream", handler)
            end,
            client = function(session)
                local left = 1
                local function done()
                    left = left - 1
                    if left == 0 then
                        session:close()
                    end
                end
                session:on("stream", function(stream, headers, flags)
                    local view = {headers = headers, flags = flags, ended = stream.writableEnded}
                    pushed[#pushed + 1] = view
                    left = left + 1
                    stream:on("push", function(response)
                        view.response = response
                    end)
                    pair.collect(stream, function(body)
                        view.body = body
                    end)
                    stream:on("error", function() end)
                    stream:on("close", function()
                        view.code = stream.rstCode
                        done()
                    end)
                end)
                session:request():resume():on("close", done)
            end,
        }
        return pushed
    end

    it("promises a request with what was left out, and sends its response", function()
        local given, seen
        local pushed = push(function(stream)
            assert.is_true(stream.pushAllowed)
            stream:pushStream({[":path"] = "/p", ["X-A"] = 1}, function(err, stream_, headers)
                given, seen = err, headers
                assert.equal(2, stream_.id)
                assert.is_true(stream_.pushAllowed)
                assert.equal(headers, stream_.sentHeaders)
                assert.is_false(stream_.headersSent)
                stream_:respond({[":status"] = 201})
                assert.equal(201, stream_.sentHeaders[":status"])
                stream_:finish("pushed")
            end)
            stream:respond()
            stream:finish()
        end)
        assert.is_nil(given)
        assert.equal("GET", seen[":method"])
        assert.equal("http", seen[":scheme"])
        assert.truthy(seen[":authority"])
        assert.equal("/p", seen[":path"])
        assert.equal("1", seen["x-a"])
        assert.equal("/p", pushed[1].headers[":path"])
        assert.equal(4, pushed[1].flags)
        assert.equal(201, pushed[1].response[":status"])
        assert.equal("pushed", pushed[1].body)
        assert.equal(0, pushed[1].code)
    end)

    it("calls back later, and ends HEAD and endStream without a body", function()
        local order = {}
        local pushed = push(function(stream)
            stream:pushStream({[":method"] = "HEAD"}, function(_, head)
                order[#order + 1] = "callback"
                assert.is_true(head.headRequest)
                head:respond()
                assert.is_true(head.writableEnded)
            end)
            stream:pushStream({}, {endStream = true}, function(_, other)
                other:respond()
                assert.is_true(other.writableEnded)
                order[#order + 1] = "second"
            end)
            order[#order + 1] = "returned"
            answer(stream)
        end)
        assert.same({"returned", "callback", "second"}, order)
        assert.equal("", pushed[1].body)
        assert.equal("", pushed[2].body)
    end)

    it("checks the state before the arguments", function()
        local codes = {}
        push(function(stream)
            local function try(who, ...)
                codes[#codes + 1] = raised_code(who.pushStream, who, ...)
            end
            after(0, function()
                try(stream, nil, function() end)
                try(stream, {}, {})
                try(stream, {}, 1, function() end)
                try(stream, {[":status"] = 200}, function() end)
                try(stream, {connection = "x"}, function() end)
                stream:pushStream({}, function(_, pushed)
                    try(pushed)
                    pushed:respond({}, {endStream = true})
                    answer(stream)
                    stream:close()
                    try(stream)
                end)
            end)
        end)
        assert.same({
            "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE",
            "ERR_HTTP2_INVALID_PSEUDOHEADER", "ERR_HTTP2_INVALID_CONNECTION_HEADERS",
            "ERR_HTTP2_NESTED_PUSH", "ERR_HTTP2_PUSH_DISABLED",
        }, codes)
    end)

    it("is refused where the client takes no pushes", function()
        local allowed, code
        push(function(stream)
            allowed = stream.pushAllowed
            code = raised_code(stream.pushStream, stream, {}, function() end)
            answer(stream)
        end, {settings = {enablePush = false}})
        assert.is_false(allowed)
        assert.equal("ERR_HTTP2_PUSH_DISABLED", code)
    end)
end)

describe("a stream's writing side", function()
    after_each(loop.clean)

    it("is ended for HEAD, 204, 205, 304 and endStream; later writes fail there alone", function()
        for _, case in ipairs{
            {{[":method"] = "HEAD"}, {}}, {{}, {[":status"] = 204}}, {{}, {[":status"] = 205}},
            {{}, {[":status"] = 304}}, {{}, {}, {endStream = true}},
        } do
            local result, failure
            local here, there = exchange(function(stream)
                stream:respond(case[2], case[3])
                assert.is_true(stream.writableEnded)
                result = stream:write("x", function(err)
                    failure = err
                end)
            end, {headers = case[1]})
            assert.is_false(result)
            assert.equal("ERR_STREAM_WRITE_AFTER_END", failure.code)
            assert.equal("ERR_STREAM_WRITE_AFTER_END", there.err.code)
            assert.is_nil(here.err)
            assert.equal(0, here.code)
        end
    end)

    it("keeps a content-length of a HEAD response", function()
        local here, there = exchange(function(stream)
            assert.is_true(stream.headRequest)
            stream:respond({["content-length"] = 1000})
        end, {headers = {[":method"] = "HEAD"}})
        assert.equal("1000", here.headers["content-length"])
        assert.equal(0, there.code)
    end)

    it("is ended by GET, HEAD and DELETE requests, not by others", function()
        for method, ended in pairs{
            GET = true, HEAD = true, DELETE = true, POST = false, PUT = false, PATCH = false,
            OPTIONS = false, BREW = false,
        } do
            local seen
            exchange(answer, {headers = {[":method"] = method}}, function(stream)
                stream:on("ready", function()
                    seen = stream.writableEnded
                    stream:finish()
                end)
                stream:resume()
            end)
            assert.equal(ended, seen, method)
        end
    end)

    it("fails what is written when the stream is gone", function()
        local failure
        local here = exchange(answer)
        assert.is_false(here.stream:write("x", function(err)
            failure = err
        end))
        loop.run()
        assert.equal("ERR_STREAM_WRITE_AFTER_END", failure.code)
    end)

    it("counts what it holds, and drains", function()
        local expected = expect.new()
        local here = exchange(function(stream)
            stream:respond()
            assert.is_false(stream:write(payload.make(100000)))
            assert.equal(100000, stream.bufferSize)
            assert.equal(100000, stream.writableLength)
            assert.is_true(stream.writableNeedDrain)
            stream:on("drain", expected("drain", 1, function()
                assert.equal(0, stream.bufferSize)
                stream:finish()
            end))
        end)
        assert.equal(100000, #here.body)
        expected:verify()
    end)

    it("corks and uncorks", function()
        local here = exchange(function(stream)
            stream:respond()
            stream:cork()
            stream:write("a")
            stream:write("b")
            assert.equal(1, stream.writableCorked)
            after(10, function()
                stream:uncork()
                stream:cork()
                stream:finish("c")
            end)
        end)
        assert.equal("abc", here.body)
    end)
end)

describe("a stream's reading side", function()
    after_each(loop.clean)

    it("gives text when an encoding is set, never half a character", function()
        local chunks = {}
        exchange(function(stream)
            stream:respond()
            stream:write("a\xe2\x82")
            after(20, function()
                stream:finish("\xacb")
            end)
        end, nil, function(stream)
            stream:setEncoding("utf8")
            assert.equal("utf8", stream.readableEncoding)
            stream:on("data", function(chunk)
                chunks[#chunks + 1] = chunk
            end)
        end)
        assert.equal("a", chunks[1])
        assert.equal("a\u{20ac}b", table.concat(chunks))
    end)

    it("takes back what was read too far", function()
        local seen = {}
        exchange(function(stream)
            stream:respond()
            stream:finish("head|body")
        end, nil, function(stream)
            stream:once("readable", function()
                local chunk = stream:read()
                local at = chunk:find("|", 1, true)
                seen[1] = chunk:sub(1, at - 1)
                assert.is_true(stream:unshift(chunk:sub(at + 1)))
                pair.collect(stream, function(body)
                    seen[2] = body
                    seen[3] = raised_code(stream.unshift, stream, "x")
                end)
            end)
        end)
        assert.same({"head", "body", "ERR_STREAM_UNSHIFT_AFTER_END_EVENT"}, seen)
    end)
end)

describe("close and destroy of a stream", function()
    after_each(loop.clean)

    local function outcome(view)
        return {view.code, view.err and view.err.code or false, view.stream.aborted}
    end

    -- `act(stream)` on a client's stream whose request and response are both under way.
    local function client_acts(act)
        local here, there = exchange(function(stream)
            stream:respond()
            stream:write("part")
            stream:resume()
        end, post, function(stream)
            stream:write("part")
            stream:once("data", function()
                act(stream)
            end)
        end)
        return outcome(here), outcome(there)
    end

    local function server_acts(act)
        local here, there = exchange(function(stream)
            stream:respond()
            stream:write("part")
            stream:resume():once("data", function()
                act(stream)
            end)
        end, post, function(stream)
            stream:write("part")
            stream:resume()
        end)
        return outcome(here), outcome(there)
    end

    local stream_error = "ERR_HTTP2_STREAM_ERROR"

    it("end both sides by Node's table, whoever begins", function()
        local _, own = pcall(http2.connect, "no url")
        for _, case in ipairs{
            -- name, act, code, error here, error there
            {"close()", function(s) s:close() end, 0, false, false},
            {"close(8)", function(s) s:close(8) end, 8, false, false},
            {"close(7)", function(s) s:close(7) end, 7, stream_error, stream_error},
            {"close(255)", function(s) s:close(255) end, 255, stream_error, stream_error},
            {"destroy()", function(s) s:destroy() end, 0, false, false},
            {"destroy(e)", function(s) s:destroy(own) end, 2, own.code, stream_error},
            {"destroy after close", function(s) s:close(7) s:destroy(own) end, 7, own.code,
                stream_error},
        } do
            local name, act, code, here_error, there_error = table.unpack(case)
            local here, there = client_acts(act)
            assert.same({code, here_error, true}, here, name .. " by the client, here")
            assert.same({code, there_error, true}, there, name .. " by the client, there")
            here, there = server_acts(act)
            assert.same({code, here_error, true}, there, name .. " by the server, there")
            assert.same({code, there_error, true}, here, name .. " by the server, here")
        end
    end)

    it("do not abort a side that was ended", function()
        local here, there = exchange(function(stream)
            stream:close(8)
        end)
        assert.same({8, false, false}, outcome(here))
        assert.same({8, false, true}, outcome(there))
        assert.same({"aborted", "finish", "close"}, there.events)
    end)

    it("take any value as the error of destroy", function()
        local _, there = exchange(function(stream)
            stream:destroy("just text")
        end)
        assert.equal("just text", there.err.message)
        assert.equal(there.err, there.stream.errored)
    end)

    it("call back when the stream is closed; a second close() is nothing", function()
        local expected = expect.new()
        exchange(function(stream)
            stream:close(8, expected("callback"))
            stream:close(7, expected("second callback", 0))
            stream:close(expected("third callback", 0))
        end)
        expected:verify()
    end)

    it("raise for a wrong code, though the stream be closed", function()
        local here = exchange(answer)
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(here.stream.close, here.stream, "1"))
        assert.equal("ERR_OUT_OF_RANGE", raised_code(here.stream.close, here.stream, -1))
        assert.equal("ERR_OUT_OF_RANGE", raised_code(here.stream.close, here.stream, 2 ^ 32))
        assert.equal("ERR_OUT_OF_RANGE", raised_code(here.stream.close, here.stream, 1.5))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(here.stream.close, here.stream, 1, 1))
    end)

    it("fail the writes that wait", function()
        local failures = {}
        exchange(function(stream)
            stream:respond()
            stream:write(payload.make(200000), function(err)
                failures[#failures + 1] = err and err.code or "none"
            end)
        end, nil, function(stream)
            stream:on("response", function()
                after(10, function()
                    stream:close(0)
                    stream:resume() -- what has arrived can still be read
                end)
            end)
        end)
        assert.same({"ERR_STREAM_DESTROYED"}, failures)
    end)

    it("by the client before its connection stands: HEADERS and the reset, or nothing", function()
        local here, there = exchange(answer, nil, function(stream)
            stream:close(8)
        end)
        assert.equal(8, here.code)
        assert.equal(1, here.stream.id)
        assert.is_nil(there.stream) -- reset in the same breath: no handler is troubled
        here = exchange(answer, nil, function(stream)
            stream:destroy()
        end)
        assert.equal(0, here.code)
        assert.is_nil(here.stream.id)
    end)

    it("of a variable that goes out of scope cancel what is not ended", function()
        local here = exchange(function(stream)
            local _ <close> = stream
            stream:respond()
        end)
        assert.equal(8, here.code)
    end)
end)

describe("requests that cannot be sent", function()
    after_each(loop.clean)

    it("tell of a header block that is too large by frameError", function()
        local seen
        local here = exchange(function(stream)
            stream:on("frameError", function(...)
                seen = {...}
            end)
            stream:respond({["x-large"] = ("x"):rep(100000)})
        end)
        assert.same({1, 6, 1}, seen)
        assert.equal(6, here.code)
    end)

    it("are refused when their header block is too large, before or after connecting", function()
        for _, is_early in ipairs{true, false} do
            local seen = {}
            pair.play{
                server = function(server)
                    server:on("stream", answer)
                end,
                client = function(session)
                    local function ask()
                        local stream = session:request({["x-large"] = ("x"):rep(100000)})
                        stream:on("frameError", function(kind, code, id)
                            seen[#seen + 1] = kind .. " " .. code .. " " .. id
                        end)
                        stream:on("error", function(err)
                            seen[#seen + 1] = err.code
                        end)
                        stream:on("close", function()
                            seen[#seen + 1] = stream.rstCode
                        end)
                    end
                    if is_early then
                        ask()
                    else
                        session:on("connect", ask)
                    end
                end,
            }
            assert.same({"1 6 1", "ERR_HTTP2_STREAM_ERROR", 7}, seen)
        end
    end)

    it("end with ERR_HTTP2_OUT_OF_STREAMS when no identifier is left", function()
        local codes = {}
        pair.play{
            server = function(server)
                server:on("stream", answer)
            end,
            client = function(session)
                session:on("connect", function()
                    session:setNextStreamID(2 ^ 31 - 1)
                    local last = session:request()
                    assert.equal(2 ^ 31 - 1, last.id)
                    local none = session:request()
                    none:on("error", function(err)
                        codes[1] = err.code
                    end)
                    none:on("close", function()
                        codes[2] = none.rstCode
                    end)
                    last:resume():on("close", function()
                        codes[3] = last.rstCode
                        session:close()
                    end)
                end)
            end,
        }
        assert.same({"ERR_HTTP2_OUT_OF_STREAMS", 2, 0}, codes)
    end)

    it("raise for wrong options, and none is made", function()
        pair.play{
            server = function(server)
                server:on("stream", answer)
            end,
            client = function(session)
                for _, wrong in ipairs{
                    {"ERR_INVALID_ARG_TYPE", {endStream = 1}},
                    {"ERR_INVALID_ARG_TYPE", {exclusive = 1}},
                    {"ERR_INVALID_ARG_TYPE", {parent = "1"}}, {"ERR_OUT_OF_RANGE", {parent = -1}},
                    {"ERR_INVALID_ARG_TYPE", {weight = "1"}},
                    {"ERR_INVALID_ARG_TYPE", {silent = "1"}},
                    {"ERR_HTTP2_STREAM_SELF_DEPENDENCY", {parent = 1}},
                    {"ERR_INVALID_ARG_VALUE", {getTrailers = 1}},
                    {"ERR_INVALID_ARG_TYPE", "options"},
                } do
                    assert.equal(wrong[1], raised_code(session.request, session, {}, wrong[2]))
                end
                assert.equal("ERR_INVALID_ARG_TYPE",
                    raised_code(session.request, session, "headers"))
                local stream = session:request()
                stream:resume():on("close", function()
                    assert.equal(1, stream.id)
                    session:close()
                end)
            end,
        }
    end)
end)

describe("members of the first releases", function()
    after_each(loop.clean)

    it("reset by their names, and tell streamClosed", function()
        for name, code in pairs{
            rstWithNoError = 0, rstWithProtocolError = 1, rstWithInternalError = 2,
            rstWithRefuse = 7, rstWithCancel = 8,
        } do
            local told
            local here = exchange(function(stream)
                stream:on("streamClosed", function(...)
                    told = {...}
                end)
                stream[name](stream)
            end)
            assert.equal(code, here.code)
            assert.same({code}, told)
        end
        local here = exchange(function(stream)
            assert.equal("ERR_INVALID_ARG_TYPE", raised_code(stream.rstStream, stream, "1"))
            stream:rstStream(3)
        end)
        assert.equal(3, here.code)
    end)

    it("send trailers by the option getTrailers", function()
        local fetched
        local here = exchange(function(stream)
            stream:on("fetchTrailers", function(trailers)
                fetched = trailers["x-a"]
                trailers["x-b"] = "2"
            end)
            stream:respond({}, {getTrailers = function(trailers)
                trailers["x-a"] = "1"
            end})
            stream:finish("body")
        end)
        assert.equal("1", fetched)
        assert.equal("1", here.trailers["x-a"])
        assert.equal("2", here.trailers["x-b"])
    end)
end)

describe("pipe", function()
    after_each(loop.clean)

    it("carries large bodies both ways between streams of two servers", function()
        local size = 3000000
        local back
        local inner = loop.track(http2.createServer())
        inner:on("stream", function(stream)
            stream:respond()
            stream:pipe(stream)
        end)
        inner:listen(0, "127.0.0.1")
        pair.play{
            server = function(server)
                server:on("stream", function(stream)
                    local onward = http2.connect(
                        "http://127.0.0.1:" .. inner:address().port)
                    local request = onward:request({[":method"] = "POST"})
                    stream:pipe(request)
                    request:on("response", function()
                        stream:respond()
                        request:pipe(stream)
                    end)
                    request:on("close", function()
                        onward:close()
                        inner:close()
                    end)
                end)
            end,
            client = function(session)
                local stream = session:request({[":method"] = "POST"})
                pair.collect(stream, function(body)
                    back = body
                end)
                stream:on("close", function()
                    session:close()
                end)
                stream:finish(payload.make(size))
            end,
        }
        assert.is_nil(payload.difference(back, payload.make(size)))
    end)

    it("holds the source back while the destination is slow", function()
        local size, largest, got = 4000000, 0, 0
        local source
        pair.play{
            client_options = {maxSessionMemory = 1},
            server = function(server)
                server:on("stream", function(stream, headers)
                    stream:respond()
                    if headers[":path"] == "/source" then
                        stream:finish(payload.make(size))
                    else
                        source:pipe(stream)
                        stream:on("pipe", function() end)
                        stream:on("drain", function()
                            largest = math.max(largest, stream.bufferSize)
                        end)
                    end
                end)
            end,
            client = function(session)
                source = session:request({[":path"] = "/source"})
                local slow = session:request({[":path"] = "/slow", [":method"] = "POST"})
                slow:finish()
                slow:on("data", function(chunk)
                    got = got + #chunk
                    slow:pause()
                    largest = math.max(largest, source.readableLength)
                    after(1, function()
                        slow:resume()
                    end)
                end)
                slow:on("close", function()
                    session:close()
                end)
            end,
        }
        assert.equal(size, got)
        -- Windows grow with the pace, but not past what the session may hold.
        assert.is_true(largest < 1000000, largest)
    end)
end)

describe("what a reset in the same breath as its request leaves", function()
    after_each(loop.clean)

    it("is nothing: no handler, no stream", function()
        local expected = expect.new()
        local server = pair.serve({}, function() end)
        server:on("stream", expected("stream", 0))
        local peer = rawpeer.connect(rawpeer.port_of(server))
        peer:send(frames.get(1), frames.rst_stream(1, 8))
        peer:await_pong()
        peer:close()
        server:close()
        expected:verify()
    end)
end)
