-- Http2ServerRequest, over HTTP/2 and over HTTP/1.1: what a handler sees is the same.
local http2 = require("http2")
local exchange = require("spec.support.exchange")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local raised = require("spec.support.raised")

for _, version in ipairs(exchange.versions) do
    -- What `look(request, response)` gives, of the request that the scene makes.
    local function seen(look, scene)
        local result
        scene = scene or {}
        scene.version = version
        scene.handler = function(request, response)
            result = look(request, response)
            response:finish()
        end
        exchange.request(scene)
        return result
    end

    describe("a request over HTTP/" .. version, function()
        after_each(loop.clean)

        it("tells method, target, authority and scheme", function()
            local facts = seen(function(request)
                return {request.method, request.url, request.authority, request.scheme,
                    request.headers[":path"], request.headers["x-y"]}
            end, {method = "PUT", path = "/a?b=c", headers = {["X-Y"] = "z"}, body = ""})
            assert.same({"PUT", "/a?b=c", "localhost", "https", "/a?b=c", "z"}, facts)
        end)

        it("tells its version", function()
            local facts = seen(function(request)
                return {request.httpVersion, request.httpVersionMajor, request.httpVersionMinor}
            end)
            local major, minor = version:match("(%d)%.(%d)")
            assert.same({version, tonumber(major), tonumber(minor)}, facts)
        end)

        it("gives the same header tables each time", function()
            assert.is_true(seen(function(request)
                return rawequal(request.headers, request.headers) and
                    rawequal(request.rawHeaders, request.rawHeaders)
            end))
        end)

        it("joins repeated fields as Node does, and keeps them apart in rawHeaders", function()
            local facts = seen(function(request)
                local raw = {}
                for i = 1, #request.rawHeaders, 2 do
                    if request.rawHeaders[i]:lower() == "cookie" then
                        raw[#raw + 1] = request.rawHeaders[i + 1]
                    end
                end
                return {request.headers.cookie, raw}
            end, {headers = {cookie = "a=1", Cookie = version == "1.1" and "b=2" or nil}})
            if version == "1.1" then
                assert.same({"a=1", "b=2"}, (function()
                    table.sort(facts[2])
                    return facts[2]
                end)())
                assert.truthy(facts[1] == "a=1; b=2" or facts[1] == "b=2; a=1")
            else
                assert.same({"a=1", {"a=1"}}, facts)
            end
        end)

        it("lets method and url be changed, of the right types only", function()
            local facts = seen(function(request)
                local codes = {
                    raised(function() request.method = 1 end),
                    raised(function() request.method = "  " end),
                }
                request.method, request.url = "PATCH", "/other"
                return {codes, request.method, request.headers[":method"], request.url,
                    request.headers[":path"]}
            end)
            assert.same({{"ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_VALUE"}, "PATCH", "PATCH",
                "/other", "/other"}, facts)
        end)

        it("is read by data and end, and complete then", function()
            local chunks, complete, early
            local view = exchange.request{version = version, method = "POST", body = "hello",
                handler = function(request, response)
                    early = request.complete
                    chunks = {}
                    request:on("data", function(chunk)
                        chunks[#chunks + 1] = chunk
                    end)
                    request:on("end", function()
                        complete = request.complete
                        response:finish(table.concat(chunks))
                    end)
                end}
            assert.equal("hello", view.body)
            assert.is_false(early)
            assert.is_true(complete)
        end)

        it("is read by readable and read(), in characters where an encoding is set", function()
            local view = exchange.request{version = version, method = "POST", body = "h\xc3\xa9llo",
                handler = function(request, response)
                    local text = ""
                    assert.equal(request, request:setEncoding("utf8"))
                    request:on("readable", function()
                        local chunk = request:read(3)
                        while chunk do
                            text = text .. chunk .. "|"
                            chunk = request:read(3)
                        end
                    end)
                    request:on("end", function()
                        response:finish(text)
                    end)
                end}
            assert.equal("h\xc3\xa9|llo|", view.body)
        end)

        it("can be paused and resumed, and put something back", function()
            local view = exchange.request{version = version, method = "POST", body = "body",
                handler = function(request, response)
                    local text = ""
                    request:on("data", function(chunk)
                        text = text .. chunk
                    end)
                    assert.equal(request, request:pause())
                    assert.is_true(request:isPaused())
                    assert.is_false(request.readableFlowing)
                    request:unshift("some")
                    require("http2.timers").setTimeout(function()
                        assert.equal("", text)
                        request:resume()
                    end, 20)
                    request:on("end", function()
                        response:finish(text)
                    end)
                end}
            assert.equal("somebody", view.body)
        end)

        it("pipes into its response, however large", function()
            local body = ("0123456789abcdef"):rep(100000)
            local view = exchange.request{version = version, method = "POST", body = body,
                handler = function(request, response)
                    request:pipe(response)
                end}
            assert.is_true(body == view.body)
        end)

        it("has the trailers once they came", function()
            local before, trailers, raw
            exchange.request{version = version, method = "POST", body = "x",
                trailers = {["x-sum"] = "1"},
                handler = function(request, response)
                    before = {request.trailers, request.rawTrailers}
                    request:resume()
                    request:on("end", function()
                        trailers, raw = request.trailers, request.rawTrailers
                        response:finish()
                    end)
                end}
            assert.same({{}, {}}, before)
            assert.equal("1", trailers["x-sum"])
            assert.same({"x-sum", "1"}, raw)
        end)

        it("ends in Node's order, and can be looked at afterwards", function()
            local log, request = {}, nil
            exchange.request{version = version, path = "/later", handler = function(req, response)
                request = req
                pair.log(log, "request ", req, {"close", "aborted"})
                pair.log(log, "response ", response, {"finish", "close"})
                response:finish("x")
            end}
            assert.same({"request close", "response finish", "response close"}, log)
            assert.equal("/later", request.url)
            assert.equal("GET", request.method)
            assert.equal("/later", request.headers[":path"])
            assert.is_true(request.complete)
            assert.is_true(request.stream.destroyed)
            assert.is_not_nil(request.socket)
        end)

        it("destroys what it came on, with an error if one is given", function()
            local errors = {}
            local view = exchange.request{version = version, handler = function(request)
                request:on("error", function(err)
                    errors[#errors + 1] = err.message
                end)
                assert.equal(request, request:destroy(http2.isError and "enough"))
                assert.is_true(request.destroyed)
            end}
            assert.is_true(view.is_cut)
            assert.same({"enough"}, errors)
        end)

        it("shows the facts of the socket, and lets nobody meddle with its octets", function()
            local facts = seen(function(request, response)
                local socket = request.socket
                local codes = {}
                for _, name in ipairs{"write", "read", "pause", "resume"} do
                    codes[#codes + 1] = raised(function() return socket[name] end)
                    codes[#codes + 1] = raised(function() socket[name] = print end)
                end
                return {socket.remoteAddress, socket.encrypted, socket.alpnProtocol,
                    rawequal(socket, response.socket), rawequal(socket, request.connection),
                    socket.writable, socket.destroyed, codes}
            end)
            local code = "ERR_HTTP2_NO_SOCKET_MANIPULATION"
            assert.same({"127.0.0.1", true, version == "2.0" and "h2" or "http/1.1", true, true,
                true, false, {code, code, code, code, code, code, code, code}}, facts)
        end)

        it("has no socket on the response once that has closed", function()
            local response
            exchange.request{version = version, handler = function(_, res)
                response = res
                assert.is_not_nil(res.socket)
                res:finish()
            end}
            assert.is_nil(response.socket)
            assert.is_not_nil(response.stream)
            assert.is_not_nil(response.req)
        end)

        it("keeps the program's own fields", function()
            assert.equal("mine", seen(function(request, response)
                request.user, response.user = "mine", "yours"
                return request.user
            end))
        end)

        it("takes no wrong arguments", function()
            assert.same({"ERR_INVALID_ARG_TYPE", "ERR_OUT_OF_RANGE", "ERR_INVALID_ARG_TYPE",
                "ERR_INVALID_THIS"}, seen(function(request)
                    return {
                        raised(request.setTimeout, request, "1"),
                        raised(request.setTimeout, request, -1),
                        raised(request.setTimeout, request, 1, "fn"),
                        raised(request.setTimeout, http2, 1),
                    }
                end))
        end)
    end)
end

describe("requests that a client gives up", function()
    local aborted = {"request aborted", "request close", "response finish", "response close",
        "truefalse"}

    local function watch_end(log, request, response)
        pair.log(log, "request ", request, {"aborted", "close", "error"})
        pair.log(log, "response ", response, {"finish", "close", "error"})
        response:on("close", function()
            log[#log + 1] = tostring(request.aborted) .. tostring(response.finished)
        end)
    end

    after_each(loop.clean)

    it("are aborted over HTTP/1.1", function()
        local log, leaving, has_begun = {}, nil, false
        local function give_up()
            if leaving and has_begun then
                leaving:resetAndDestroy()
            end
        end
        exchange.raw{
            stays_open = true,
            send = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", function(client)
                leaving = client
                give_up()
            end},
            handler = function(request, response)
                has_begun = true
                watch_end(log, request, response)
                give_up()
            end,
        }
        assert.same(aborted, log)
    end)

    -- Plays a request over HTTP/2 that the client resets with `code` once the handler has it.
    local function reset(code, watch)
        local give_up
        pair.play{
            server = function(server)
                server:on("request", function(request, response)
                    watch(request, response)
                    give_up()
                end)
            end,
            client = function(session)
                local stream = session:request{[":path"] = "/"}
                stream:on("error", function() end)
                function give_up()
                    stream:close(code)
                    session:close()
                end
            end,
        }
    end

    it("are aborted over HTTP/2", function()
        local log = {}
        reset(http2.constants.NGHTTP2_CANCEL, function(request, response)
            watch_end(log, request, response)
        end)
        assert.same(aborted, log)
    end)

    it("leave the error of a reset to the stream", function()
        local log = {}
        reset(http2.constants.NGHTTP2_INTERNAL_ERROR, function(request, response)
            watch_end(log, request, response)
            request.stream:on("close", function()
                log[#log + 1] = request.stream.errored.code
                log[#log + 1] = tostring(request.errored)
                log[#log + 1] = tostring(response.errored)
            end)
        end)
        assert.same({"request aborted", "request close", "response finish", "response close",
            "truefalse", "ERR_HTTP2_STREAM_ERROR", "nil", "nil"}, log)
    end)
end)
