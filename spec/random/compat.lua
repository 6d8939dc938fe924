-- A server whose handlers call whatever a request or a response has, in any order, for clients of
-- HTTP/2 and for raw ones of HTTP/1.1, some of whose octets are wrong.
local http2 = require("http2")
local net = require("http2.net")
local cert = require("spec.support.cert")
local player = require("spec.random.player")

local random, pick, chance = math.random, player.pick, player.chance
local attempt, later = player.attempt, player.later

local do_something

local function of_response(name, ...)
    local arguments = {...}
    return function(_, response)
        attempt(response, name, table.unpack(arguments))
    end
end

local function of_request(name, ...)
    local arguments = {...}
    return function(request)
        if request then
            attempt(request, name, table.unpack(arguments))
        end
    end
end

local function read_all(object, names)
    for _, name in ipairs(names) do
        local _ = object[name]
    end
end

local deeds = {
    of_response("finish"), of_response("finish"), of_response("removeHeader", "x-a"),
    of_response("addTrailers", {t = "1"}), of_response("flushHeaders"),
    of_response("writeContinue"), of_response("writeEarlyHints", {link = "</a>; rel=preload"}),
    of_response("cork"), of_response("uncork"), of_response("getHeaders"),
    of_request("resume"), of_request("pause"), of_request("read"),
    of_request("setEncoding", "utf8"),
    function(_, response)
        attempt(response, "writeHead", pick{200, 404, 204, 304, 500},
            pick{{a = "b"}, {"x-a", "1", "X-A", 2}, {{"x-a", {}}}, {["X-B"] = ("b"):rep(300)}})
    end,
    function(_, response)
        for _ = 1, random(0, 5) do
            attempt(response, pick{"setHeader", "setHeader", "appendHeader"},
                pick{"x-a", "X-Other", "connection", "content-length", "date", "set-cookie",
                    "transfer-encoding", "a b"},
                pick{"1", "keep-alive", "close", 7, 0.5, true, "\n", {}, {"1", 2, false}, print,
                    ("x"):rep(random(0, 200))})
        end
    end,
    function(_, response)
        local name = pick{"X-A", "set-cookie", "date"}
        attempt(response, pick{"getHeader", "hasHeader", "removeHeader"}, name)
        attempt(response, "getHeaderNames")
        attempt(response, "setTrailer", name, pick{"1", {2, true}})
    end,
    function(request, response)
        attempt(response, pick{"write", "finish"}, player.body(), function()
            do_something(request, response)
        end)
    end,
    function(_, response)
        attempt(response, "createPushResponse", {[":path"] = "/pushed"}, function(_, pushed)
            if pushed then
                do_something(nil, pushed)
                attempt(pushed, "finish", player.body())
            end
        end)
    end,
    function(request, response)
        if chance(3) then
            attempt(chance(2) and request or response, "destroy", pick{false, "given up"})
        end
    end,
    function(_, response)
        local function finish()
            attempt(response, "finish")
        end
        attempt(response, "setTimeout", random(0, 30), chance(2) and finish or nil)
    end,
    function(request, response)
        if request then
            attempt(request, "pipe", response)
        end
    end,
    function(request, response)
        if request then
            request:on(pick{"data", "end", "close", "aborted"}, function()
                if chance(3) then
                    do_something(request, response)
                end
            end)
        end
    end,
    function(request, response)
        response:on(pick{"close", "finish", "drain"}, function()
            do_something(request, response)
        end)
    end,
    function(request, response) later(10, do_something, request, response) end,
    function(_, response)
        later(10, attempt, response, "finish")
    end,
    function(request, response)
        read_all(response, {"headersSent", "finished", "writableEnded", "statusCode", "stream",
            "socket", "req", "writableLength"})
        read_all(response.stream or {}, {"sentHeaders", "sentTrailers"})
        if request then
            read_all(request, {"headers", "rawHeaders", "trailers", "complete", "aborted",
                "authority", "scheme", "method", "url", "socket", "stream", "httpVersion"})
        end
    end,
    function(_, response)
        local stream = response.stream
        if stream and chance(3) then
            attempt(stream, pick{"close", "respond", "destroy"})
        end
    end,
    function(_, response)
        local socket = response.socket
        if socket then
            attempt(socket, "setTimeout", random(0, 20))
            if chance(10) then
                attempt(socket, "destroy")
            end
        end
    end,
    function() collectgarbage() end,
}

function do_something(request, response)
    for _ = 1, random(2) do
        pick(deeds)(request, response)
    end
end

local function answer(request, response)
    player.watch(request)
    player.watch(response)
    for _ = 1, 3 do
        do_something(request, response)
    end
    if not chance(3) then
        later(20, attempt, response, "finish")
    end
    if chance(30) then
        error("a handler that fails")
    end
end

local function serve()
    local server = player.watch(http2.createSecureServer{
        key = cert.read("server.key"), cert = cert.read("server.crt"), allowHTTP1 = true,
        maxRequestsPerSocket = chance(3) and 5 or nil, keepAliveTimeout = chance(2) and 20 or nil,
        headersTimeout = chance(3) and 100 or nil})
    for _, event in ipairs{"sessionError", "handlerError", "tlsClientError"} do
        server:on(event, function() end)
    end
    server:on("request", answer)
    if chance(3) then
        server:on("checkContinue", function(request, response)
            response:writeContinue()
            answer(request, response)
        end)
    end
    if chance(3) then
        server:on("upgrade", function(_, socket)
            player.watch(socket)
            attempt(socket, pick{"finish", "destroy"})
        end)
    end
    return server
end

-- ------------------------------------------------------------------------------------- clients

local messages = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. "5\r\nhello\r\n0\r\nt: 1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" .. ("y"):rep(50000),
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
}

-- With an octet changed, or cut short, at times.
local function message()
    local octets = pick(messages)
    if chance(6) then
        local at = random(#octets)
        octets = octets:sub(1, at - 1) .. string.char(random(0, 255)) .. octets:sub(at + 1)
    end
    return chance(8) and octets:sub(1, random(#octets)) or octets
end

local function talk_http1(socket)
    for _ = 1, pick{1, 1, 1, 3, 10} do
        socket:write(message())
    end
    if chance(8) then
        socket:finish()
    elseif chance(15) then
        socket:destroy()
    end
end

local function connect_http1(port)
    local socket = player.watch(net.tls.connect{port = port, host = "127.0.0.1",
        servername = "localhost", ca = cert.read("ca.crt"), ALPNProtocols = {"http/1.1"}})
    if not chance(5) then
        socket:resume()
    end
    return socket
end

local function talk_http2(session)
    local stream = player.watch(session:request{[":method"] = pick{"GET", "POST", "HEAD"},
        expect = chance(5) and "100-continue" or nil})
    if not chance(4) then
        stream:resume()
    end
    if chance(2) then
        attempt(stream, "write", player.body())
    end
    if not chance(4) then
        attempt(stream, "finish", player.body())
    end
    if chance(4) then
        later(5, attempt, stream, "close", pick{0, 8})
    end
end

local function connect_http2(port)
    local session = player.watch(http2.connect("https://localhost:" .. port, {
        host = "127.0.0.1", ca = cert.read("ca.crt"),
        settings = {initialWindowSize = pick{0, 1, 1000, 65535}}}))
    session:on("stream", player.watch)
    return session
end

local function play(server)
    local port = server:address().port
    local sessions, sockets, all = {}, {}, {}
    player.play(function()
        local index = random(3)
        if chance(2) then
            local session = sessions[index]
            if not session or session.destroyed or session.closed then
                sessions[index] = connect_http2(port)
                all[#all + 1] = sessions[index]
            end
            talk_http2(sessions[index])
        else
            local socket = sockets[index]
            if not socket or socket.destroyed or not socket.writable then
                sockets[index] = connect_http1(port)
                all[#all + 1] = sockets[index]
            end
            talk_http1(sockets[index])
        end
    end, function()
        for _, connection in ipairs(all) do
            connection:destroy()
        end
        server:close{grace = 200}
    end)
end

do
    local server = serve()
    server:listen(0, "127.0.0.1", function()
        play(server)
        server = nil
    end)
end
player.run()
