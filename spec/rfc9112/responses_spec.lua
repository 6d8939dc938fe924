-- RFC 9112: whatever a handler does, its response is one response: its framing is the library's,
-- and nothing that it sets becomes a line of its own.
local exchange = require("spec.support.exchange")
local loop = require("spec.support.loop")

local GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

-- All that the server says to two requests, of which only the first is the handler's.
local function answers(handler, first)
    local count = 0
    local said = exchange.raw{send = (first or GET) .. GET, handler = function(request, response)
        count = count + 1
        if count == 1 then
            handler(request, response)
        else
            response:finish("second")
        end
    end, handler_error = function() end}
    local is_head = first and first:find("^HEAD") ~= nil
    local view, rest = exchange.parse(said, is_head)
    local second
    if rest ~= "" then
        second, rest = exchange.parse(rest)
    end
    assert.equal("", rest)
    return view, second
end

local function code_of(fn, ...)
    local ok, err = pcall(fn, ...)
    return not ok and err.code or nil
end

describe("a response over HTTP/1.1", function()
    after_each(loop.clean)

    it("cannot be split by what it is given", function()
        local codes = {}
        local view, second = answers(function(_, response)
            local evil = "x\r\nSet-Cookie: a=b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
            codes = {
                code_of(response.setHeader, response, "x-a", evil),
                code_of(response.setHeader, response, evil, "x"),
                code_of(response.appendHeader, response, "x-a", {"fine", "a\nb"}),
                code_of(response.setTrailer, response, "x-a", "a\rb"),
                code_of(response.addTrailers, response, {["x-a"] = "a\0b"}),
                code_of(response.writeHead, response, 200, {["x-a"] = evil}),
                code_of(response.writeHead, response, 200, {"x-a", evil}),
                code_of(response.writeEarlyHints, response, {link = "</a>; x=\"y\"\r\nX: y"}),
                code_of(response.writeEarlyHints, response, {link = "</a>", ["x-a"] = "a\nb"}),
            }
            response:finish("whole")
        end)
        assert.equal(9, #codes)
        for i, code in ipairs(codes) do
            assert.truthy(code:find("^ERR_INVALID") or code:find("^ERR_HTTP2_INVALID"),
                i .. " " .. code)
        end
        assert.equal("whole", view.body)
        assert.is_nil(view.headers["x-a"])
        assert.is_nil(view.headers["set-cookie"])
        assert.equal("second", second.body)
    end)

    it("has no reason of the program's own", function()
        local view, second = answers(function(_, response)
            response:writeHead(200, "OK\r\nSet-Cookie: a=b"):finish("x")
        end)
        assert.equal("OK", view.reason)
        assert.is_nil(view.headers["set-cookie"])
        assert.equal("second", second.body)
    end)

    it("is framed by the library, whatever headers say", function()
        for _, headers in ipairs{
            {"transfer-encoding", "chunked"}, {"Transfer-Encoding", "gzip, chunked"},
            {"content-length", "x"}, {"content-length", "-1"}, {"keep-alive", "timeout=9"},
        } do
            local view, second = answers(function(_, response)
                pcall(response.setHeader, response, headers[1], headers[2])
                response:write("a")
                response:finish("b")
            end)
            if view.status == 200 then
                assert.equal("ab", view.body)
                assert.equal("chunked", view.headers["transfer-encoding"])
                assert.is_nil(view.headers["content-length"])
                assert.equal("timeout=5", view.headers["keep-alive"])
            end
            assert.equal("second", second.body)
        end
    end)

    it("has one content-length", function()
        local view, second = answers(function(_, response)
            response:writeHead(200, {"content-length", "2", "x-a", "b"})
            response:finish("ab")
        end)
        assert.equal("2", view.headers["content-length"])
        assert.equal("ab", view.body)
        assert.equal("second", second.body)
    end)

    it("tells HEAD the length, and sends no body", function()
        local view, second = answers(function(_, response)
            response:setHeader("content-length", 5)
            response:finish("hello")
        end, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert.equal("5", view.headers["content-length"])
        assert.equal("second", second.body)
    end)

    for _, status in ipairs{204, 205, 304} do
        it("has no body where the status is " .. status, function()
            local view, second = answers(function(_, response)
                response.statusCode = status
                response:setHeader("content-length", 3)
                response:write("abc")
                response:finish("def")
            end)
            assert.equal(status, view.status)
            assert.equal("", view.body)
            assert.is_nil(view.headers["transfer-encoding"])
            assert.equal(status == 304 and "3" or status == 205 and "0" or nil,
                view.headers["content-length"])
            assert.equal("second", second.body)
        end)
    end

    it("ends the connection where its body is shorter than it has said", function()
        local view, second = answers(function(_, response)
            response:setHeader("content-length", 9)
            response:finish("short")
        end)
        assert.equal("9", view.headers["content-length"])
        assert.equal("short", view.body)
        assert.is_nil(second)
    end)

    it("is cut off where its body is longer than it has said", function()
        local said = exchange.raw{stays_open = true, send = GET, handler = function(_, response)
            response:setHeader("content-length", 4)
            response:write("this", function()
                response:write(GET)
            end)
        end}
        assert.falsy(said:find("GET", 1, true))
    end)

    it("is cut off where the handler fails in its midst", function()
        local said = exchange.raw{stays_open = true, send = GET .. GET,
            handler = function(_, response)
                response:write("begun")
                error("on purpose")
            end, handler_error = function() end}
        local _, count = said:gsub("HTTP/1.1", "")
        assert.is_true(count <= 1)
        assert.falsy(said:find("\r\n0\r\n", 1, true))
    end)

    it("has no trailers where there are no chunks", function()
        local view, second = answers(function(_, response)
            response:setHeader("content-length", 2)
            response:setTrailer("x-a", "b")
            response:finish("ab")
        end)
        assert.equal("ab", view.body)
        assert.is_nil(view.trailers)
        assert.equal("second", second.body)
    end)

    it("sends no framing as trailers", function()
        local view, second = answers(function(_, response)
            response:write("a")
            response:addTrailers{["content-length"] = "9", ["x-a"] = "b"}
            response:finish()
        end)
        assert.equal("b", view.trailers["x-a"])
        assert.is_nil(view.trailers["content-length"])
        assert.equal("second", second.body)
    end)

    it("is cut off where its trailers cannot be sent", function()
        local failure
        local said = exchange.raw{stays_open = true, send = GET .. GET,
            handler = function(_, response)
                response:write("a")
                response:setTrailer("transfer-encoding", "chunked")
                response:finish()
            end, handler_error = function(err)
                failure = err.code
            end}
        assert.equal("ERR_HTTP2_INVALID_CONNECTION_HEADERS", failure)
        assert.falsy(said:find("\r\n0\r\n", 1, true))
    end)
end)
