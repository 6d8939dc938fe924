--- Plays exchanges in which every class and every event of the library occurs, and keeps what it
--- saw:
---
---     live.objects[owner]       an object of that class (closed by then)
---     live.fresh[owner][name]   the value of a property when that object was new
---     live.seen[owner][event]   true for the events that came
---     live.proxies[owner][name] what a member of a socket proxy is: a value, or an error's code
---     live.entries[name]        a performance entry
---     live.request              headers and rawHeaders that arrived
---     live.states               the `state` of a stream and a session in use
local http2 = require("http2")
local net = require("http2.net")
local perf_hooks = require("http2.perf_hooks")
local cert = require("spec.support.cert")
local contract = require("spec.support.contract")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local process = require("spec.support.process")
local timers = require("http2.timers")

local live = {objects = {}, fresh = {}, seen = {}, proxies = {}, entries = {}}

-- Listening to these changes what happens: only scenes that want that do it.
local active = {
    data = true, readable = true, wantTrailers = true, timeout = true, stream = true,
    request = true, checkContinue = true, checkExpectation = true, unknownProtocol = true,
    clientError = true, newSession = true, resumeSession = true, OCSPRequest = true,
}

local names = {} -- owner -> kind -> list of names
for _, entry in ipairs(contract) do
    names[entry.owner] = names[entry.owner] or {}
    names[entry.owner][entry.kind] = names[entry.owner][entry.kind] or {}
    table.insert(names[entry.owner][entry.kind], entry.name)
end

local function note_events(object, owner, wanted)
    live.seen[owner] = live.seen[owner] or {}
    for _, event in ipairs(names[owner].event or {}) do
        local is_connect_handler = event == "connect" and owner:find("Server$")
        if not active[event] and not is_connect_handler or wanted[event] then
            object:on(event, function()
                live.seen[owner][event] = true
            end)
        end
    end
end

local function note_fresh(object, owner)
    if live.objects[owner] then
        return
    end
    live.objects[owner], live.fresh[owner] = object, {}
    for _, property in ipairs(names[owner].property or {}) do
        live.fresh[owner][property] = object[property]
    end
end

--- Notes the events and the fresh properties of an object under its owners; `more` are events whose
--- listeners change what happens.
local function watch(object, owners, more)
    local wanted = {}
    for _, name in ipairs(more or {}) do
        wanted[name] = true
    end
    for _, owner in ipairs(owners) do
        note_events(object, owner, wanted)
        note_fresh(object, owner)
    end
    return object
end

local function note_proxy(proxy, owner)
    live.proxies[owner] = live.proxies[owner] or {}
    for _, kind in ipairs{"method", "property"} do
        for _, name in ipairs(names[owner][kind]) do
            local ok, value = pcall(function()
                return proxy[name == "(anything else)" and "remotePort" or name]
            end)
            live.proxies[owner][name] = not ok and value.code or value
        end
    end
end

local client_session = {"Http2Session", "ClientHttp2Session"}
local server_session = {"Http2Session", "ServerHttp2Session"}
local client_stream = {"Http2Stream", "ClientHttp2Stream"}
local server_stream = {"Http2Stream", "ServerHttp2Stream"}

local function pass() end

-- ---------------------------------------------------------------------------------- servers

local routes = {}

-- Informational responses, a push, a body that has to wait, trailers.
routes["/"] = function(stream, headers, raw)
    live.request = live.request or {headers = headers, raw = raw}
    live.states = live.states or {stream = stream.state, session = stream.session.state}
    stream:additionalHeaders{[":status"] = 100}
    stream:pushStream({[":path"] = "/pushed"}, function(_, pushed)
        pushed:respond()
        pushed:finish("pushed")
    end)
    stream:respond({}, {waitForTrailers = true})
    stream:on("wantTrailers", function()
        live.seen.Http2Stream.wantTrailers = true
        stream:sendTrailers{["x-a"] = "1"}
    end)
    stream:write(("x"):rep(40000))
    stream:on("drain", function()
        stream:finish()
    end)
end

routes["/echo"] = function(stream)
    stream:respond()
    stream:pipe(stream)
end

routes["/reset"] = function(stream)
    stream:close(http2.constants.NGHTTP2_INTERNAL_ERROR)
end

local has_hung = false

routes["/hang"] = function()
    has_hung = true
end

routes["/cut"] = pass

routes["/old"] = function(stream)
    stream:on("fetchTrailers", function(trailers)
        trailers["x-old"] = "1"
    end)
    stream:respond({}, {getTrailers = pass})
    stream:finish("old")
end

local function serve(server, owner)
    watch(server, {owner}, {"stream"})
    server:on("session", function(session)
        watch(session, server_session, {"stream"})
        note_proxy(session.socket, "SocketProxy:session")
        session:on("connect", function()
            if not session.destroyed then -- by what came with the preface
                session:ping(pass)
            end
        end)
    end)
    server:on("stream", function(stream, headers, _, raw)
        watch(stream, server_stream)
        routes[headers[":path"]](stream, headers, raw)
    end)
    return server
end

-- A server of either kind that serves, and the URL of it, which `ready` gets when it listens.
local function start(owner, ready, options)
    local given = options or {}
    local is_secure = owner == "Http2SecureServer"
    if is_secure then
        given.key, given.cert = cert.read("server.key"), cert.read("server.crt")
    end
    local server = loop.track((is_secure and http2.createSecureServer or http2.createServer)(given))
    server:listen(0, "127.0.0.1", function()
        ready(("%s://localhost:%d"):format(is_secure and "https" or "http", server:address().port))
    end)
    return server
end

-- A session to it, at whose end the server closes.
local function connect(url, server)
    local session = loop.track(http2.connect(url, {ca = cert.read("ca.crt")}))
    watch(session, client_session)
    return session:on("close", function()
        server:close()
    end)
end

-- ------------------------------------------------------------------------- what goes well

-- Gives a function that sends requests, the last of whose ends calls `done`.
local function requester(session, done)
    local left = 0
    return function(headers, more)
        left = left + 1
        local stream = watch(session:request(headers), client_stream, more)
        return stream:on("close", function()
            left = left - 1
            if left == 0 then
                done()
            end
        end)
    end
end

local function send_requests(session, done)
    local request = requester(session, done)
    session:on("stream", function(pushed)
        watch(pushed, client_stream, {"data"})
    end)
    request({["x-one"] = 1, ["x-two"] = {"a", "b"}, ["x-secret"] = "s",
        [http2.sensitiveHeaders] = {"x-secret"}}, {"data"})
    local echo = request({[":path"] = "/echo", [":method"] = "POST"}, {"data"})
    echo:pause()
    echo:resume()
    echo:finish("echo")
    local readable = request({[":path"] = "/echo", [":method"] = "POST"}, {"readable"})
    readable:on("readable", function()
        while readable:read() do
        end
    end)
    readable:finish("read")
    request({[":path"] = "/reset"}):resume()
    request({[":path"] = "/old"}):resume()
    local hang = request({[":path"] = "/hang"}, {"timeout"})
    hang:setTimeout(20)
    hang:on("timeout", function()
        if has_hung then
            hang:close(http2.constants.NGHTTP2_CANCEL)
        else
            hang:setTimeout(20)
        end
    end)
end

-- Streams, PING, SETTINGS, GOAWAY, timeouts, performance entries.
local function play_exchange(owner)
    local observer = perf_hooks.PerformanceObserver(function(list)
        for _, entry in ipairs(list:getEntries()) do
            live.entries[entry.name] = entry
        end
    end)
    observer:observe{entryTypes = {"http2"}}
    local server
    server = start(owner, function(url)
        local session = watch(connect(url, server), client_session, {"stream", "timeout"})
        session:settings({initialWindowSize = 70000}, pass)
        send_requests(session, function()
            session:setTimeout(20, function()
                session:close()
            end)
        end)
    end)
    serve(server, owner)
    loop.run()
    observer:disconnect()
end

local compat_routes = {
    ["/echo"] = function(request, response)
        watch(request, {"Http2ServerRequest"}, {"data"})
        response:write(("y"):rep(40000))
        request:pipe(response)
    end,

    ["/readable"] = function(request, response)
        watch(request, {"Http2ServerRequest"}, {"readable"})
        request:on("readable", function()
            while request:read() do
            end
        end)
        response:finish()
    end,

    ["/hang"] = function(request, _, give_up)
        request:setTimeout(20)
        request:on("timeout", function()
            timers.setImmediate(give_up) -- when the response has heard of it too
        end)
    end,
}

-- The compatibility API: requests of each kind.
local function play_compat(owner)
    local server, hang
    server = start(owner, function(url)
        local session = connect(url, server)
        local send = requester(session, function() session:close() end)
        local function request(headers)
            return send(headers):resume()
        end
        request{[":path"] = "/echo", [":method"] = "POST"}:finish("echo")
        request{[":path"] = "/readable", [":method"] = "POST"}:finish("read")
        request{[":method"] = "POST", expect = "100-continue"}:finish()
        request{expect = "something"}
        request{[":method"] = "CONNECT", [":authority"] = "localhost:1"}:finish()
        hang = request{[":path"] = "/hang", [":method"] = "POST"}
    end)
    watch(server, {owner}, {"request", "checkContinue", "checkExpectation", "connect"})
    local function answer(_, response)
        response:finish()
    end
    server:on("checkContinue", answer):on("checkExpectation", answer):on("connect", answer)
    server:on("request", function(request, response)
        watch(request, {"Http2ServerRequest"}, {"timeout"})
        watch(response, {"Http2ServerResponse"}, {"timeout"})
        note_proxy(request.socket, "SocketProxy:compat")
        compat_routes[request.url](request, response, function() hang:close() end)
    end)
    loop.run()
end

-- --------------------------------------------------------------------------- what goes wrong

-- A header block that cannot be sent.
local function play_frame_error()
    local server
    server = start("Http2Server", function(url)
        local session = connect(url, server)
        session:on("connect", function()
            watch(session:request{["x-large"] = ("x"):rep(70000)}, client_stream)
        end)
    end)
    serve(server, "Http2Server")
    loop.run()
end

-- A client that speaks frames over a socket of ours, TLS or not.
local function raw_client(url, octets)
    local port = tonumber(url:match("%d+$"))
    local function send(socket)
        socket:write(frames.preface .. frames.settings() .. octets)
    end
    if url:find("^https") then
        local options = {port = port, host = "localhost", ca = cert.read("ca.crt"),
            ALPNProtocols = {"h2"}}
        local socket
        socket = net.tls.connect(options, function() send(socket) end)
        return socket:on("error", pass)
    end
    local socket
    socket = net.connect(port, "localhost", function() send(socket) end)
    return socket:on("error", pass)
end

-- A client that is cut off with something unread: a TCP reset. Its request is answered so that it
-- is there.
local function play_cut_off(server, url, done)
    local victim = raw_client(url, frames.get(1, "/cut")):on("close", done)
    server:once("stream", function(stream)
        stream:on("error", pass):respond()
        stream:write("unread", function()
            victim:resetAndDestroy()
        end)
    end)
end

-- A client that says nothing until the server has had enough.
local function play_idle(server, url, done)
    server:setTimeout(20)
    server:on("timeout", function(session)
        live.seen.Http2Session.timeout = true
        session:close()
    end)
    raw_client(url, ""):resume():on("close", done)
end

-- Priorities, protocol errors, connections that are cut off, timeouts, a port that is taken.
local function play_server_errors(owner)
    local server
    server = start(owner, function(url)
        local taken = watch(loop.track(http2.createServer()), {owner})
        taken:on("error", function() taken:close() end)
        taken:listen(tonumber(url:match("%d+$")), "127.0.0.1")
        raw_client(url, frames.priority(5, 0) .. frames.window_update(0, 0)):resume()
        play_cut_off(server, url, function()
            server:once("session", function(session)
                session:removeAllListeners("socketError") -- so that the server is told
            end)
            play_cut_off(server, url, function()
                play_idle(server, url, function() server:close() end)
            end)
        end)
    end)
    serve(server, owner)
    watch(server, {owner}, {"timeout"})
    loop.run()
end

-- What only a secure server has: clients that do not want HTTP/2 or TLS, keys, ORIGIN and ALTSVC.
local function play_secure()
    local server
    server = start("Http2SecureServer", function(url)
        local port = tonumber(url:match("%d+$"))
        local ca = cert.read("ca.crt")
        net.tls.connect({port = port, host = "localhost", ca = ca}):on("error", pass):resume()
        net.tls.connect({port = port, host = "localhost", ca = ca, ALPNProtocols = {"other"}})
            :on("error", pass)
        local session = connect(url, server)
        session:on("altsvc", function()
            session:close()
        end)
    end, {origins = {"https://example.org"}})
    watch(server, {"Http2SecureServer"}, {"unknownProtocol", "clientError"})
    server:on("unknownProtocol", function(socket)
        socket:destroy()
    end)
    server:on("session", function(session)
        session:altsvc('h2=":8000"', "https://example.org")
    end)
    loop.run()
end

-- What a client of TLS 1.2 without tickets makes of a server that keeps its sessions.
local function play_kept_sessions()
    local kept, server = {}, nil
    server = start("Http2SecureServer", function(url)
        local client = process.start{"openssl", "s_client", "-connect", "127.0.0.1:"
            .. url:match("%d+$"), "-tls1_2", "-no_ticket", "-status", "-reconnect", "-alpn", "h2"}
        local poll
        poll = timers.setInterval(function()
            if not client:is_alive() then
                timers.clearInterval(poll)
                client:stop()
                server:close()
            end
        end, 5)
    end)
    watch(server, {"Http2SecureServer"}, {"newSession", "resumeSession", "OCSPRequest"})
    server:on("newSession", function(id, data, callback)
        kept[id] = data
        callback()
    end)
    server:on("resumeSession", function(id, callback) callback(nil, kept[id]) end)
    server:on("OCSPRequest", function(_, _, callback) callback() end)
    loop.run(60)
end

for _, owner in ipairs{"Http2Server", "Http2SecureServer"} do
    play_exchange(owner)
    play_compat(owner)
    play_server_errors(owner)
end
play_frame_error()
play_secure()
play_kept_sessions()

return live
