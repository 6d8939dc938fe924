-- HTTP/1.1 on a secure server's port, octet by octet.
local http2 = require("http2")
local net = require("http2.net")
local timers = require("http2.timers")
local cert = require("spec.support.cert")
local exchange = require("spec.support.exchange")
local loop = require("spec.support.loop")
local pace = require("spec.support.pace")
local pair = require("spec.support.pair")

local GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

-- Answers with the target, after reading the body.
local function echo(request, response)
    local body = ""
    request:on("data", function(chunk)
        body = body .. chunk
    end)
    request:on("end", function()
        response:finish(request.url .. body)
    end)
end

-- All responses that a raw exchange gave: a list of views.
local function responses(scene)
    local said, events = exchange.raw(scene)
    local list = {}
    while said ~= "" do
        local view
        view, said = exchange.parse(said)
        list[#list + 1] = view
    end
    return list, events
end

local function statuses(scene)
    local list = {}
    for i, view in ipairs(responses(scene)) do
        list[i] = view.status
    end
    return list
end

describe("an HTTP/1.1 connection", function()
    after_each(loop.clean)

    it("serves one request after the other", function()
        local list = responses{handler = echo, send = {
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", "POST /2 HTTP/1.1\r\nHost: a\r\n"
            .. "Content-Length: 3\r\n\r\nabc"}}
        assert.equal(2, #list)
        assert.equal("/1", list[1].body)
        assert.equal("/2abc", list[2].body)
        assert.equal("keep-alive", list[1].headers.connection)
        assert.equal("timeout=5", list[1].headers["keep-alive"])
    end)

    it("answers pipelined requests in order, one at a time", function()
        local open, most, send = 0, 0, {}
        for i = 1, 20 do
            send[i] = ("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"):format(i)
        end
        local list = responses{send = table.concat(send), handler = function(request, response)
            open = open + 1
            most = math.max(most, open)
            timers.setTimeout(function()
                open = open - 1
                response:finish(request.url)
            end, 21 - tonumber(request.url:sub(2)))
        end}
        assert.equal(20, #list)
        for i, view in ipairs(list) do
            assert.equal("/" .. i, view.body)
        end
        assert.equal(1, most)
    end)

    it("keeps no more of what is pipelined than it must", function()
        local rest
        exchange.raw{stays_open = true, handler = function() end, send = {GET, function(client)
            client:write((GET):rep(300000))
            pace.when_settled(function() return client.writableLength end, function(length)
                rest = length
                client:destroy()
            end)
        end}}
        assert.is_true(rest > 1000000, tostring(rest))
    end)

    it("closes when the client says so, and says so itself", function()
        for _, head in ipairs{"HTTP/1.1\r\nHost: a\r\nConnection: close", "HTTP/1.0"} do
            local list = responses{handler = echo, stays_open = true,
                send = "GET / " .. head .. "\r\n\r\n" .. GET}
            assert.equal(1, #list)
            assert.equal("close", list[1].headers.connection)
        end
    end)

    it("goes on with a client of HTTP/1.0 that asks for it", function()
        local list = responses{handler = echo,
            send = ("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"):rep(2)}
        assert.equal(2, #list)
        assert.equal("keep-alive", list[2].headers.connection)
    end)

    it("closes when the program says so", function()
        local list = responses{stays_open = true, send = GET .. GET,
            handler = function(_, response)
                response:setHeader("Connection", "close")
                response:finish("x")
            end}
        assert.equal(1, #list)
        assert.equal("close", list[1].headers.connection)
    end)

    it("ends a body of unknown length by chunks, and for HTTP/1.0 by closing", function()
        local function handler(_, response)
            response:write("a")
            timers.setTimeout(function()
                response:finish("b")
            end, 10)
        end
        local said = exchange.raw{send = GET, handler = handler}
        assert.truthy(said:find(
            "transfer%-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n$"))
        said = exchange.raw{send = "GET / HTTP/1.0\r\n\r\n", handler = handler, stays_open = true}
        assert.truthy(said:find("connection: close\r\n\r\nab$"))
    end)

    it("counts a body against its content-length", function()
        local failure
        local said = exchange.raw{send = GET, handler = function(_, response)
            response:setHeader("content-length", 3)
            response:on("close", function()
                failure = response.errored and response.errored.code
            end)
            response:write("abc")
            response:write("GET")
        end}
        assert.falsy(said:find("GET", 1, true))
        assert.equal("ERR_HTTP_CONTENT_LENGTH_MISMATCH", failure)
    end)

    it("does not go on after a body that was too short", function()
        local list = exchange.raw{stays_open = true, send = GET .. GET,
            handler = function(_, response)
                response:setHeader("content-length", 3)
                response:finish("a")
            end}
        local _, count = list:gsub("HTTP/1.1 200", "")
        assert.equal(1, count)
    end)

    it("lets go of a body that nobody reads, and goes on", function()
        local post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
        local list = responses{send = post .. ("x"):rep(100000) .. GET,
            handler = function(_, response)
                response:finish("early")
            end}
        assert.equal(2, #list)
    end)

    it("does not wait for a body that it has refused to hear", function()
        local list = responses{stays_open = true,
            send = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                .. "Content-Length: 9\r\n\r\n",
            setup = function(server)
                server:on("checkContinue", function(_, response)
                    response.statusCode = 413
                    response:finish()
                end)
            end, handler = echo}
        assert.equal(413, list[1].status)
        assert.equal("close", list[1].headers.connection)
        assert.equal(0, #list[1].informational)
    end)

    it("takes only as much as is read", function()
        local waiting
        exchange.raw{stays_open = true, handler = function(request)
            request:pause()
        end, send = {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n",
            function(client)
                client:write(("x"):rep(20000000))
                pace.when_settled(function() return client.writableLength end, function(length)
                    waiting = length
                    client:destroy()
                end)
            end}}
        assert.is_true(waiting > 1000000, tostring(waiting))
    end)

    it("understands targets in each form", function()
        local function urls(...)
            local list = {}
            for _, line in ipairs{...} do
                exchange.raw{send = line .. " HTTP/1.1\r\nHost: a\r\n\r\n",
                    handler = function(request, response)
                        list[#list + 1] = request.url .. " of " .. request.authority
                        response:finish()
                    end}
            end
            return list
        end
        assert.same({"/x of a", "/y?z of a", "* of a", "/ of a"},
            urls("GET /x", "GET http://a/y?z", "OPTIONS *", "GET https://a"))
    end)

    it("gives raw headers as they came", function()
        local raw
        exchange.raw{send = "GET / HTTP/1.1\r\nHOST: a\r\nX-Y:  z \r\n\r\n",
            handler = function(request, response)
                raw = request.rawHeaders
                assert.equal("a", request.headers.host)
                response:finish()
            end}
        assert.same({"HOST", "a", "X-Y", "z"}, raw)
    end)

    it("answers what is no request with 400, and closes", function()
        for _, octets in ipairs{
            "nonsense\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\n\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                .. "Transfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
        } do
            assert.same({400}, statuses{stays_open = true, handler = echo, send = octets .. GET})
        end
        assert.same({505}, statuses{stays_open = true, handler = echo,
            send = "GET / HTTP/2.0\r\nHost: a\r\n\r\n"})
        assert.same({200, 400}, statuses{stays_open = true, handler = echo,
            send = GET .. "x\r\n\r\n"})
    end)

    it("cuts off what has no end", function()
        local long = ("x"):rep(20000)
        assert.same({431}, statuses{stays_open = true, handler = echo,
            send = "GET / HTTP/1.1\r\nHost: a\r\nX: " .. long .. "\r\n\r\n"})
        assert.same({431}, statuses{stays_open = true, handler = echo,
            send = "GET /" .. long .. " HTTP/1.1\r\nHost: a\r\n\r\n"})
        assert.same({200}, statuses{options = {maxHeaderSize = 30000}, handler = echo,
            send = "GET / HTTP/1.1\r\nHost: a\r\nX: " .. long .. "\r\n\r\n"})
        assert.same({431}, statuses{stays_open = true, handler = echo,
            options = {maxHeaderListPairs = 4},
            send = "GET / HTTP/1.1\r\nHost: a\r\n" .. ("X: y\r\n"):rep(4) .. "\r\n"})
    end)

    it("ends a request whose chunks are broken, with 400 where nothing was said yet", function()
        local log = {}
        local list = statuses{stays_open = true,
            send = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX",
            handler = function(request)
                request:resume()
                pair.log(log, "", request, {"aborted", "end", "close"})
            end}
        assert.same({400}, list)
        assert.same({"aborted", "close"}, log)
    end)

    it("ignores wishes for other protocols where nobody listens", function()
        local list = responses{handler = echo, send =
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            .. "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n" .. GET}
        assert.equal(2, #list)
        assert.equal(200, list[1].status)
    end)

    it("hands the connection to a listener of upgrade", function()
        local said = exchange.raw{stays_open = true, handler = echo,
            send = {"GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
                .. "first", " second", function(client)
                    client:finish()
                end},
            setup = function(server)
                server:on("upgrade", function(request, stream, head)
                    assert.equal("/up", request.url)
                    assert.equal("", head)
                    stream:write("HTTP/1.1 101 Switching Protocols\r\n\r\n")
                    stream:pipe(stream)
                end)
            end}
        assert.equal("HTTP/1.1 101 Switching Protocols\r\n\r\nfirst second", said)
    end)

    it("is a tunnel after CONNECT was answered with 200", function()
        local said = exchange.raw{handler = echo,
            send = {"CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\nthrough", " it"},
            setup = function(server)
                server:on("connect", function(request, response)
                    assert.equal("b:1", request.authority)
                    response.sendDate = false
                    response:writeHead(200)
                    request:pipe(response)
                end)
            end}
        assert.equal("HTTP/1.1 200 OK\r\n\r\nthrough it", said)
        assert.same({405}, statuses{stays_open = true, handler = echo,
            send = "CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\nanything"})
    end)

    it("waits no longer than it should for a head, a body, and the next request", function()
        assert.same({408}, statuses{stays_open = true, handler = echo,
            options = {headersTimeout = 50}, send = "GET / HT"})
        assert.same({408}, statuses{stays_open = true, handler = echo,
            options = {requestTimeout = 50},
            send = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"})
        assert.same({200}, statuses{stays_open = true, handler = echo,
            options = {keepAliveTimeout = 50}, send = GET})
        assert.same({}, statuses{stays_open = true, handler = echo, options = {headersTimeout = 50},
            send = ""})
    end)

    it("serves so many requests and no more", function()
        local list = responses{stays_open = true, options = {maxRequestsPerSocket = 2},
            handler = echo, send = GET .. GET .. GET}
        assert.equal(2, #list)
        assert.equal("close", list[2].headers.connection)
    end)

    it("does not outlive its server for want of requests", function()
        local closed = false
        exchange.raw{stays_open = true, send = GET, handler = function(_, response)
            response:finish("x")
        end, setup = function(server)
            server:on("close", function()
                closed = true
            end)
        end, on_data = function()
            -- The connection is idle now; the client would keep it.
            timers.setTimeout(function()
                loop.clean()
            end, 10)
        end}
        assert.is_true(closed)
    end)

    it("answers the request that its server's end has found it with, and then closes", function()
        local server
        local list = responses{stays_open = true, send = GET, setup = function(it)
            server = it
        end, handler = function(_, response)
            server:close()
            timers.setTimeout(function()
                response:finish("last")
            end, 20)
        end}
        assert.equal("last", list[1].body)
        assert.equal("close", list[1].headers.connection)
    end)

    it("is not offered unless it is allowed", function()
        local err
        local server = loop.track(http2.createSecureServer(
            {key = cert.read("server.key"), cert = cert.read("server.crt")}, echo))
        server:listen(0, "127.0.0.1", function()
            local client = net.tls.connect{port = server:address().port, host = "127.0.0.1",
                ca = cert.read("ca.crt"), ALPNProtocols = {"http/1.1"}}
            client:on("error", function(e)
                err = e
            end)
            client:on("close", function()
                server:close()
            end)
        end)
        loop.run()
        assert.is_not_nil(err)
    end)

    it("is refused where there are handlers of streams alone", function()
        assert.same({505}, statuses{stays_open = true, send = GET, setup = function(server)
            server:on("stream", function() end)
        end})
    end)
end)

describe("a secure server", function()
    after_each(loop.clean)

    it("has Node's members for HTTP/1.1", function()
        local server = http2.createSecureServer{key = cert.read("server.key"),
            cert = cert.read("server.crt"), allowHTTP1 = true, requestTimeout = 7}
        assert.equal(60000, server.headersTimeout)
        assert.equal(7, server.requestTimeout)
        assert.equal(5000, server.keepAliveTimeout)
        assert.equal(0, server.maxRequestsPerSocket)
        server.headersTimeout = 1
        assert.equal(1, server.headersTimeout)
        assert.has_error(function() server.headersTimeout = "x" end)
        assert.has_error(function() server.keepAliveTimeout = -1 end)
        server:closeIdleConnections()
    end)

    it("refuses wrong options for it", function()
        for name, value in pairs{allowHTTP1 = 1, headersTimeout = "1", requestTimeout = -1,
            keepAliveTimeout = 0.5, maxRequestsPerSocket = {}, maxHeaderSize = 0} do
            local ok, err = pcall(http2.createSecureServer, {key = cert.read("server.key"),
                cert = cert.read("server.crt"), [name] = value})
            assert.is_false(ok, name)
            assert.truthy(err.code == "ERR_INVALID_ARG_TYPE"
                or err.code == "ERR_OUT_OF_RANGE", name)
        end
    end)
end)
