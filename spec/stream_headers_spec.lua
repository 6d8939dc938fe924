-- What streams send besides their bodies: headers, further ones, trailers, promises.
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local raised_code = require("spec.support.raised")
local scene = require("spec.support.stream_scene")

local after, answer, exchange, post = scene.after, scene.answer, scene.play, scene.post

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
