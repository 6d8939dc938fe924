-- Http2ServerResponse, over HTTP/2 and over HTTP/1.1: its body and its end.
local timers = require("http2.timers")
local exchange = require("spec.support.exchange")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local raised = require("spec.support.raised")

for _, version in ipairs(exchange.versions) do
    local function response_of(...)
        return exchange.response(version, ...)
    end

    describe("a response over HTTP/" .. version, function()
        after_each(loop.clean)

        it("writes in pieces, with callbacks and drain", function()
            local log = {}
            local view = response_of(function(response)
                response:on("drain", function()
                    log[#log + 1] = "drain"
                    response:finish("c", function()
                        log[#log + 1] = "finished"
                    end)
                end)
                assert.is_true(response:write("a", function()
                    log[#log + 1] = "a"
                end))
                assert.is_false(response:write(("b"):rep(300000)))
                assert.is_true(response.writableNeedDrain)
                assert.is_true(response.writableLength >= 300000)
            end)
            assert.equal(300002, #view.body)
            assert.equal("finished", table.remove(log))
            table.sort(log)
            assert.same({"a", "drain"}, log)
        end)

        it("decodes what it writes, and holds it while corked", function()
            local view = response_of(function(response)
                response:cork()
                assert.equal(1, response.writableCorked)
                response:write("aGVsbG8g", "base64")
                response:uncork()
                response:finish("776f726c64", "hex")
            end)
            assert.equal("hello world", view.body)
        end)

        it("is finished once, whatever follows", function()
            local calls = 0
            local view = response_of(function(response)
                assert.is_false(response.finished)
                local function count()
                    calls = calls + 1
                end
                assert.equal(response, response:finish("x", count))
                assert.is_true(response.finished)
                assert.is_true(response.writableEnded)
                assert.equal(response, response:finish("y", count))
                assert.equal(response, response["end"](response, count))
            end)
            assert.equal("x", view.body)
            assert.equal(3, calls)
        end)

        it("refuses writes after its end", function()
            local code, result
            response_of(function(response)
                response:finish("x")
                result = response:write("y", function(err)
                    code = err.code
                end)
            end)
            assert.is_false(result)
            assert.equal("ERR_STREAM_WRITE_AFTER_END", code)
        end)

        it("takes strings to write and nothing else", function()
            local view = response_of(function(response)
                for _, chunk in ipairs{1, {}, true} do
                    assert.equal("ERR_INVALID_ARG_TYPE", raised(response.write, response, chunk))
                    assert.equal("ERR_INVALID_ARG_TYPE", raised(response.finish, response, chunk))
                end
                assert.equal("ERR_INVALID_ARG_TYPE", raised(response.write, response))
                assert.is_false(response.headersSent)
                response:finish("fine")
            end)
            assert.equal("fine", view.body)
        end)

        for _, status in ipairs{204, 205, 304} do
            it("has no body with status " .. status, function()
                local written
                local view = response_of(function(response)
                    response.statusCode = status
                    written = response:write("x")
                    response:finish("y")
                end)
                assert.equal(status, view.status)
                assert.equal("", view.body)
                assert.is_false(written)
                assert.falsy(view.is_cut)
            end)
        end

        it("answers HEAD without a body, with its length", function()
            local view = response_of(function(response)
                response:setHeader("content-length", 5)
                response:finish("hello")
            end, {method = "HEAD"})
            assert.equal(200, view.status)
            assert.equal("", view.body)
            assert.equal("5", view.headers["content-length"])
            assert.falsy(view.is_cut)
        end)

        it("sends trailers behind the body", function()
            local view = response_of(function(response)
                response:setTrailer("X-Sum", 1)
                response:write("a")
                response:addTrailers{["x-other"] = {"2", "3"}, ["X-Sum"] = "4"}
                response:finish("b")
            end)
            assert.equal("ab", view.body)
            assert.equal("4", view.trailers["x-sum"])
            assert.is_not_nil(view.trailers["x-other"])
        end)

        it("sends trailers of a body that is empty", function()
            local view = response_of(function(response)
                response:setTrailer("x-sum", "1")
                response:finish()
            end)
            assert.equal("", view.body)
            assert.equal("1", view.trailers["x-sum"])
        end)

        it("sends 100 and 103 before it begins", function()
            local view = response_of(function(response)
                assert.is_true(response:writeContinue())
                assert.is_true(response:writeEarlyHints{
                    link = {"</a.css>; rel=preload; as=style", '<b>; rel="x y"'}, ["x-a"] = "b"})
                assert.is_false(response:writeEarlyHints{link = {}})
                response:finish("x")
            end)
            assert.equal(100, view.informational[1][1])
            assert.equal(103, view.informational[2][1])
            assert.equal("b", view.informational[2][2]["x-a"])
            assert.is_not_nil(view.informational[2][2].link)
            assert.equal(2, #view.informational)
        end)

        it("refuses hints that are none", function()
            response_of(function(response)
                local function code(hints)
                    return raised(response.writeEarlyHints, response, hints)
                end
                assert.equal("ERR_INVALID_ARG_TYPE", code("x"))
                for _, link in ipairs{"x", "<a", "<a> b", "<a>; =b", '<a>; b="c', {"<a>", "b"},
                    1} do
                    assert.equal("ERR_INVALID_ARG_VALUE", code{link = link})
                end
                assert.equal("ERR_INVALID_ARG_VALUE", code{})
                response:finish()
            end)
        end)

        it("is cut off by destroy", function()
            local view = response_of(function(response)
                response:write("x")
                timers.setTimeout(function()
                    response:destroy()
                    response:destroy()
                    assert.is_true(response.destroyed)
                end, 20)
            end)
            assert.is_true(view.is_cut or view.code == 0)
        end)

        it("does nothing, quietly, once it has closed", function()
            local response, code, push_code
            response_of(function(res)
                response = res
                res:finish()
                res:on("close", function()
                    assert.is_true(res.closed)
                    assert.is_false(res:write("x", function(err)
                        code = err.code
                    end))
                    assert.equal(res, res:writeHead(200))
                    assert.equal(res, res:setTimeout(10))
                    res:finish()
                    res:createPushResponse({[":path"] = "/"}, function(err)
                        push_code = err.code
                    end)
                end)
            end)
            assert.equal("ERR_STREAM_WRITE_AFTER_END", code)
            assert.equal("ERR_HTTP2_INVALID_STREAM", push_code)
            assert.is_true(response.finished)
        end)

        it("times out: who listens decides, and where nobody does it is destroyed", function()
            local log = {}
            response_of(function(response, request)
                request:on("timeout", function()
                    log[#log + 1] = "request"
                end)
                assert.equal(response, response:setTimeout(20, function()
                    log[#log + 1] = "response"
                    response:setTimeout(0)
                    response:finish("late")
                end))
            end)
            assert.same({"request", "response"}, log)
            assert.is_true(response_of(function(response)
                response:setTimeout(20)
            end).is_cut)
        end)

        it("tells a handler's failure by 500, and lets nothing else of it out", function()
            local failures = {}
            local view = exchange.request{version = version,
                handler = function(_, response)
                    response:setHeader("x-secret", "1")
                    response.statusCode = 202
                    error("a failing handler")
                end,
                handler_error = function(err, stream)
                    failures[#failures + 1] = tostring(err):match("a failing handler")
                    assert.is_not_nil(stream.close)
                end}
            assert.equal(500, view.status)
            assert.is_nil(view.headers["x-secret"])
            assert.equal("Internal Server Error", view.body)
            assert.same({"a failing handler"}, failures)
        end)

        it("is cut off by a failure after its head", function()
            local failures = 0
            local view = exchange.request{version = version,
                handler = function(request, response)
                    response:write("x")
                    request:on("end", function()
                        error("too late")
                    end)
                    request:resume()
                end,
                handler_error = function()
                    failures = failures + 1
                end}
            assert.is_true(view.is_cut)
            assert.equal(1, failures)
        end)
    end)
end

describe("a response to a push", function()
    after_each(loop.clean)

    it("is like another, but for its request", function()
        local bodies, paths = {}, {}
        pair.play{
            server = function(server)
                server:on("request", function(_, response)
                    response:createPushResponse({[":path"] = "/pushed"}, function(err, push)
                        assert.is_nil(err)
                        assert.is_nil(push.req)
                        push:setHeader("x-a", "b")
                        assert.equal("ERR_HTTP2_NESTED_PUSH", (function()
                            return raised(push.createPushResponse, push, {}, function() end)
                        end)())
                        push:finish("pushed")
                    end)
                    response:finish("page")
                end)
            end,
            client = function(session)
                session:on("stream", function(stream, headers)
                    paths[#paths + 1] = headers[":path"]
                    stream:on("push", function(fields)
                        paths[#paths + 1] = fields["x-a"]
                    end)
                    pair.collect(stream, function(body)
                        bodies.pushed = body
                    end)
                end)
                local stream = session:request{[":path"] = "/"}
                pair.collect(stream, function(body)
                    bodies.page = body
                end)
                stream:on("close", function()
                    session:close()
                end)
            end,
        }
        assert.same({"/pushed", "b"}, paths)
        assert.same({page = "page", pushed = "pushed"}, bodies)
    end)

    it("is not to be had of HTTP/1.1", function()
        local codes = {}
        exchange.request{version = "1.1", handler = function(_, response)
            codes[1] = raised(response.createPushResponse, response, {}, 1)
            codes[2] = raised(response.createPushResponse, response, {}, function() end)
            response:finish()
        end}
        assert.same({"ERR_INVALID_ARG_TYPE", "ERR_HTTP2_PUSH_DISABLED"}, codes)
    end)
end)
