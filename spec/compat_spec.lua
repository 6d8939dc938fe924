-- The compatibility API of servers: which event a request becomes, and of which classes it is.
local http2 = require("http2")
local exchange = require("spec.support.exchange")
local leaks = require("spec.support.leaks")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local raised = require("spec.support.raised")

-- A clear-text server and one request to it; the client's view.
local function play(setup, headers, body)
    local view = {informational = {}}
    pair.play{
        server = setup,
        client = function(session)
            local stream = session:request(headers or {[":path"] = "/"})
            stream:on("headers", function(fields)
                table.insert(view.informational, fields[":status"])
            end)
            stream:on("response", function(fields)
                view.status = fields[":status"]
            end)
            pair.collect(stream, function(text)
                view.body = text
            end)
            stream:on("error", function() end)
            stream:on("close", function()
                view.code = stream.rstCode
                session:close()
            end)
            stream:finish(body)
        end,
    }
    return view
end

local function answer(text)
    return function(_, response)
        response:finish(text)
    end
end

describe("createServer", function()
    after_each(loop.clean)

    it("takes a handler, with options or without", function()
        for _, create in ipairs{
            function(handler) return http2.createServer(handler) end,
            function(handler) return http2.createServer({}, handler) end,
        } do
            local server = create(answer("x"))
            assert.equal(1, server:listenerCount("request"))
        end
        local server = http2.createServer()
        assert.equal(0, server:listenerCount("request"))
        assert.equal("ERR_INVALID_ARG_TYPE", raised(http2.createServer, {}, "handler"))
    end)

    it("brings the compatibility API with its first request listener, at its place", function()
        local log = {}
        local view = play(function(server)
            server:on("stream", function()
                log[#log + 1] = "stream 1"
            end)
            server:on("request", function(request, response)
                log[#log + 1] = "request"
                assert.equal(request.stream, response.stream)
                response:finish("x")
            end)
            server:on("stream", function(stream, headers)
                log[#log + 1] = "stream 2 " .. headers[":path"]
                assert.is_true(stream.headersSent)
            end)
        end)
        assert.equal("x", view.body)
        assert.same({"stream 1", "request", "stream 2 /"}, log)
    end)

    it("gives stream listeners and the request the same headers", function()
        local same
        play(function(server)
            local given
            server:on("stream", function(_, headers)
                given = headers
            end)
            server:on("request", function(request, response)
                same = rawequal(given, request.headers)
                response:finish()
            end)
        end)
        assert.is_true(same)
    end)

    it("lets a request listener see what a stream listener answered", function()
        local view = play(function(server)
            server:on("stream", function(stream)
                stream:respond{[":status"] = 201}
                stream:write("a")
            end)
            server:on("request", function(_, response)
                assert.is_true(response.headersSent)
                response:finish("b")
            end)
        end)
        assert.equal(201, view.status)
        assert.equal("ab", view.body)
    end)

    it("answers streams that the program emits by hand no second time", function()
        local calls = 0
        play(function(server)
            server:on("request", function(request, response)
                calls = calls + 1
                if calls == 1 then
                    server:emit("stream", request.stream, request.headers, 0, {})
                end
                response:finish()
            end)
        end)
        assert.equal(1, calls)
    end)
end)

describe("an expectation", function()
    after_each(loop.clean)

    for _, version in ipairs(exchange.versions) do
        it("of 100-continue is granted by itself over HTTP/" .. version, function()
            for _, expectation in ipairs{"100-continue", "100-Continue"} do
                local view = exchange.request{version = version, method = "POST", body = "x",
                    headers = {expect = expectation}, handler = answer("fine")}
                assert.equal(100, view.informational[1][1])
                assert.equal("fine", view.body)
            end
        end)

        it("of 100-continue is checkContinue's where it has a listener, over HTTP/" .. version,
            function()
                local requests = 0
                local view = exchange.request{version = version, method = "POST", body = "x",
                    headers = {expect = "100-continue"},
                    handler = function()
                        requests = requests + 1
                    end,
                    setup = function(server)
                        server:on("checkContinue", function(_, response)
                            assert.is_true(response:writeContinue())
                            response:finish("checked")
                        end)
                    end}
                assert.equal(1, #view.informational)
                assert.equal("checked", view.body)
                assert.equal(0, requests)
            end)

        it("of something else is refused over HTTP/" .. version, function()
            local requests = 0
            local scene = {version = version, headers = {expect = "miracles"}, handler = function()
                requests = requests + 1
            end}
            assert.equal(417, exchange.request(scene).status)
            scene.failure = nil
            scene.setup = function(server)
                server:on("checkExpectation", function(request, response)
                    response:finish(request.headers.expect)
                end)
            end
            assert.equal("miracles", exchange.request(scene).body)
            assert.equal(0, requests)
        end)
    end
end)

describe("CONNECT", function()
    after_each(loop.clean)

    local connect = {[":method"] = "CONNECT", [":authority"] = "example.org:443"}

    it("is refused where nobody listens to it", function()
        local view = play(function(server)
            server:on("request", answer("x"))
        end, connect)
        assert.equal(405, view.status)
    end)

    it("is the server's connect event, and then a tunnel", function()
        local view = play(function(server)
            server:on("request", answer("x"))
            server:on("connect", function(request, response)
                assert.equal("example.org:443", request.authority)
                assert.is_nil(request.url)
                response:writeHead(200)
                request:pipe(response)
            end)
        end, connect, "through the tunnel")
        assert.equal(200, view.status)
        assert.equal("through the tunnel", view.body)
    end)
end)

describe("a handler that waits", function()
    after_each(loop.clean)

    for _, version in ipairs(exchange.versions) do
        it("reads and writes in line, over HTTP/" .. version, function()
            local body = ("0123456789"):rep(50000)
            local view = exchange.request{version = version, method = "POST", body = body,
                handler = function(request, response)
                    http2.sleep(10)
                    for chunk in request:chunks() do
                        response:writeAll(chunk)
                    end
                    response:finish()
                    response:waitClosed()
                end}
            assert.is_true(body == view.body)
        end)

        it("gets a whole body, up to a limit, over HTTP/" .. version, function()
            local scene = {version = version, method = "POST", body = ("x"):rep(1000),
                handler = function(request, response)
                    response:finish(request:body(1000):sub(1, 3))
                end}
            assert.equal("xxx", exchange.request(scene).body)
            scene.body = ("x"):rep(1001)
            scene.handler_error = function(err)
                assert.equal("ERR_BODY_TOO_LARGE", err.code)
            end
            assert.equal(413, exchange.request(scene).status)
        end)

        it("fails as others do, over HTTP/" .. version, function()
            local failures = 0
            local view = exchange.request{version = version, handler = function()
                http2.sleep(10)
                error("after all")
            end, handler_error = function()
                failures = failures + 1
            end}
            assert.equal(500, view.status)
            assert.equal(1, failures)
        end)
    end
end)

describe("classes of the program's own", function()
    after_each(loop.clean)

    for _, version in ipairs(exchange.versions) do
        it("have their members besides, over HTTP/" .. version, function()
            local Request = http2.Http2ServerRequest:extend{
                query = function(self)
                    return self.url:match("%?(.*)")
                end,
                kind = "request",
            }
            local Response = http2.Http2ServerResponse:extend{
                json = function(self, text)
                    self:setHeader("content-type", "application/json")
                    return self:finish(text)
                end,
            }
            local Loud = Response:extend{
                json = function(self, text)
                    return Response.json and nil or self:finish(text:upper())
                end,
            }
            local names = version == "2.0" and {"Http2ServerRequest", "Http2ServerResponse"}
                or {"Http1IncomingMessage", "Http1ServerResponse"}
            local view = exchange.request{version = version, path = "/a?b=c",
                options = {[names[1]] = Request, [names[2]] = Response},
                handler = function(request, response)
                    assert.equal("request", request.kind)
                    assert.equal("GET", request.method)
                    response:json(request:query())
                end}
            assert.equal("b=c", view.body)
            assert.equal("application/json", view.headers["content-type"])
            view = exchange.request{version = version, options = {[names[2]] = Loud},
                handler = function(_, response)
                    response:json("loud")
                end}
            assert.equal("LOUD", view.body)
        end)
    end

    it("are asked for by classes alone", function()
        for _, name in ipairs{"Http2ServerRequest", "Http2ServerResponse", "Http1IncomingMessage",
            "Http1ServerResponse"} do
            assert.equal("ERR_INVALID_ARG_TYPE", raised(http2.createServer, {[name] = {}}))
            assert.equal("ERR_INVALID_ARG_TYPE", raised(http2.createServer, {[name] = "x"}))
        end
        assert.equal("ERR_INVALID_ARG_TYPE", raised(http2.createServer,
            {Http2ServerRequest = http2.Http2ServerResponse}))
        assert.equal("ERR_INVALID_ARG_TYPE", raised(http2.Http2ServerRequest.extend, {}, {}))
        assert.equal("ERR_INVALID_ARG_TYPE",
            raised(http2.Http2ServerRequest.extend, http2.Http2ServerRequest, 1))
    end)
end)

describe("what was negotiated", function()
    after_each(loop.clean)

    -- The documentation's example of ALPN negotiation.
    local function tell(request, response)
        local socket = request.httpVersion == "2.0" and request.stream.session.socket
            or request.socket
        response:writeHead(200, {["content-type"] = "application/json"})
        response:finish(("%s %s"):format(socket.alpnProtocol, request.httpVersion))
    end

    it("is seen by the handler", function()
        assert.equal("h2 2.0", exchange.request{version = "2.0", handler = tell}.body)
        assert.equal("http/1.1 1.1", exchange.request{version = "1.1", handler = tell}.body)
    end)

    it("is nothing where the client knows no ALPN, and HTTP/1.1 is spoken", function()
        assert.equal("false 1.1", exchange.request{version = "1.1", handler = tell,
            has_no_alpn = true}.body)
    end)
end)

describe("the compatibility API", function()
    after_each(loop.clean)

    for _, version in ipairs(exchange.versions) do
        it("leaves nothing behind, over HTTP/" .. version, function()
            local watch = leaks.watch()
            local descriptors
            for round = 1, 3 do
                exchange.request{version = version, method = "POST", body = "x",
                    trailers = {a = "b"},
                    handler = function(request, response)
                        for _, object in ipairs{request, response, request.stream,
                            request.socket} do
                            watch(object)
                            assert.is_not_nil(object)
                        end
                        request:on("end", function()
                            response:setTrailer("a", "b")
                            response:finish(request.trailers.a)
                        end)
                        response:on("close", function()
                            assert.equal(request, response.req)
                        end)
                        request:resume()
                    end}
                if round == 1 then
                    descriptors = leaks.descriptors()
                end
            end
            assert.equal(0, watch:alive())
            assert.equal(descriptors, leaks.descriptors())
        end)
    end

    it("lets a request be dropped while its stream goes on", function()
        local view = play(function(server)
            server:on("request", function(request)
                local stream = request.stream
                require("http2.timers").setTimeout(function()
                    collectgarbage()
                    collectgarbage()
                    stream:respond{[":status"] = 202}
                    stream:finish("late")
                end, 20)
            end)
        end)
        assert.equal(202, view.status)
        assert.equal("late", view.body)
    end)
end)
