--- One request to a secure server that speaks both versions, and what came of it: the same scene is
--- played over HTTP/2 and over HTTP/1.1. Works under Lua 5.4 and LuaJIT.
local http2 = require("http2")
local net = require("http2.net")
local cert = require("spec.support.cert")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")

local exchange = {versions = {"2.0", "1.1"}}

--- A server with allowHTTP1 for the scene {handler, setup, options, handler_error}; `ready(port)`
--- is called when it listens. What a handler raises fails the test unless there is a handler_error.
function exchange.serve(scene, ready)
    local options = {key = cert.read("server.key"), cert = cert.read("server.crt"),
        allowHTTP1 = true}
    for name, value in pairs(scene.options or {}) do
        options[name] = value
    end
    local server = loop.track(http2.createSecureServer(options, scene.handler))
    server:on("handlerError", scene.handler_error or function(err)
        scene.failure = scene.failure or err
    end)
    if scene.setup then
        scene.setup(server)
    end
    server:listen(0, "127.0.0.1", function()
        ready(server:address().port)
    end)
    return server
end

local function run(scene)
    loop.run(scene.seconds)
    if scene.failure then
        error(scene.failure, 0)
    end
end

--- Sends octets as they are to a server (see serve), then the end; `scene.send` is a string, or a
--- list of strings and functions(socket), each of which follows when the loop has turned. Gives all
--- that the server said until it closed, and the events of the client's socket. The scene's abort()
--- cuts the client off.
function exchange.raw(scene)
    local said, events, server = {}, {}, nil
    local timers = require("http2.timers")
    server = exchange.serve(scene, function(port)
        local protocols = not scene.has_no_alpn and {"http/1.1"} or nil
        local client = loop.track(net.tls.connect{port = port, host = "127.0.0.1",
            ca = cert.read("ca.crt"), ALPNProtocols = protocols})
        pair.log(events, "", client, {"end", "close"})
        function scene.abort()
            client:destroy()
        end
        client:on("data", function(chunk)
            said[#said + 1] = chunk
            if scene.on_data then
                scene.on_data(table.concat(said), client)
            end
        end)
        client:on("error", function(err)
            events.error = err.code
        end)
        client:on("close", function()
            server:close()
        end)
        local pieces = type(scene.send) == "table" and scene.send or {scene.send}
        local function send(i)
            if pieces[i] == nil then
                if not scene.stays_open and not scene.length then
                    client:finish()
                end
                return
            end
            if type(pieces[i]) == "function" then
                pieces[i](client)
            else
                client:write(pieces[i])
            end
            timers.setTimeout(send, pieces[i + 1] and 5 or 1, i + 1)
        end
        client:on("secureConnect", function()
            send(1)
        end)
    end)
    run(scene)
    return table.concat(said), events
end

local function parse_fields(text)
    local fields = {}
    for name, value in text:gmatch("([^\r\n:]+):[ \t]*([^\r\n]*)") do
        name = name:lower()
        if fields[name] == nil then
            fields[name] = value
        elseif type(fields[name]) == "table" then
            table.insert(fields[name], value)
        else
            fields[name] = {fields[name], value}
        end
    end
    return fields
end

-- A chunked body without its chunks, its trailers, and what follows.
local function unchunk(text)
    local parts, at = {}, 1
    while true do
        local size, next_at = text:match("^(%x+)[^\r\n]*\r\n()", at)
        assert(size, "no chunk at " .. text:sub(at))
        size = tonumber(size, 16)
        if size == 0 then
            local trailers, rest = text:match("^(.-)\r\n()", next_at)
            if trailers ~= "" then
                trailers, rest = text:match("^(.-\r\n)\r\n()", next_at)
            end
            return table.concat(parts), parse_fields(trailers), text:sub(rest)
        end
        parts[#parts + 1] = text:sub(next_at, next_at + size - 1)
        assert(text:sub(next_at + size, next_at + size + 1) == "\r\n")
        at = next_at + size + 2
    end
end

--- Takes the first response from what a server said: {status, reason, headers, body, trailers,
--- informational}, and the rest. A response to HEAD has no body.
function exchange.parse(text, is_head)
    local view = {informational = {}}
    while true do
        local status, reason, fields, at =
            text:match("^HTTP/1%.1 (%d%d%d) ([^\r\n]*)\r\n(.-\r\n)()")
        assert(status, "no response: " .. text)
        if fields ~= "\r\n" then
            fields, at = text:match("^HTTP/1%.1 [^\r\n]*\r\n(.-\r\n)\r\n()")
        end
        view.status, view.reason = tonumber(status), reason
        view.headers, text = parse_fields(fields), text:sub(at)
        if view.status >= 200 then
            break
        end
        table.insert(view.informational, {view.status, view.headers})
    end
    local length = tonumber(view.headers["content-length"])
    if is_head or view.status == 204 or view.status == 304 then
        view.body = ""
    elseif view.headers["transfer-encoding"] then
        view.body, view.trailers, text = unchunk(text)
    elseif length then
        view.body, text = text:sub(1, length), text:sub(length + 1)
    else
        view.body, text = text, ""
    end
    return view, text
end

local function request_http1(scene)
    local lines = {("%s %s HTTP/1.1"):format(scene.method or "GET", scene.path or "/"),
        "Host: localhost"}
    for name, value in pairs(scene.headers or {}) do
        lines[#lines + 1] = name .. ": " .. value
    end
    if scene.trailers then
        lines[#lines + 1] = "transfer-encoding: chunked"
    elseif scene.body then
        lines[#lines + 1] = "content-length: " .. (scene.length or #scene.body)
    end
    local body = scene.body or ""
    if scene.trailers then
        body = ("%x\r\n%s\r\n0\r\n"):format(#body, body)
        for name, value in pairs(scene.trailers) do
            body = body .. name .. ": " .. value .. "\r\n"
        end
        body = body .. "\r\n"
    end
    scene.send = table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
    local said, events = exchange.raw(scene)
    if said == "" then
        return {is_cut = true, events = events}
    end
    local ok, view = pcall(exchange.parse, said, scene.method == "HEAD")
    if not ok then
        return {is_cut = true, said = said, events = events}
    end
    view.said = said
    return view
end

local function request_http2(scene)
    local view, server = {informational = {}}, nil
    server = exchange.serve(scene, function(port)
        local session = loop.track(http2.connect("https://127.0.0.1:" .. port,
            {ca = cert.read("ca.crt"), servername = "localhost",
            settings = scene.client_settings}))
        session:on("close", function()
            server:close()
        end)
        local headers = {[":method"] = scene.method, [":path"] = scene.path,
            [":authority"] = "localhost"}
        for name, value in pairs(scene.headers or {}) do
            headers[name] = value
        end
        if scene.body and not scene.trailers then
            headers["content-length"] = scene.length or #scene.body
        end
        local stream = session:request(headers,
            {endStream = not scene.body and not scene.trailers,
            waitForTrailers = scene.trailers ~= nil})
        function scene.abort()
            stream:close(http2.constants.NGHTTP2_CANCEL)
        end
        stream:on("headers", function(fields)
            table.insert(view.informational, {fields[":status"], fields})
        end)
        stream:on("response", function(fields)
            view.status, view.headers = fields[":status"], fields
        end)
        stream:on("trailers", function(fields)
            view.trailers = fields
        end)
        stream:on("wantTrailers", function()
            stream:sendTrailers(scene.trailers)
        end)
        pair.collect(stream, function(body)
            view.body = body
        end)
        stream:on("error", function(err)
            view.error = err.code
        end)
        stream:on("close", function()
            view.code = stream.rstCode
            view.is_cut = view.code ~= 0 or not view.status
            session:close()
        end)
        if scene.length then
            stream:write(scene.body)
        elseif scene.body or scene.trailers then
            stream:finish(scene.body)
        end
    end)
    run(scene)
    return view
end

--- Plays the scene {version, handler, method, path, headers, body, trailers, options, setup,
--- handler_error}: gives {status, headers, body, trailers, informational}; is_cut where there was
--- no whole response. With `length` the body is no more than the beginning of one of that length.
function exchange.request(scene)
    if scene.version == "1.1" then
        return request_http1(scene)
    end
    return request_http2(scene)
end

--- The client's view, over a version, of what `act(response, request)` does; `scene` may say more.
function exchange.response(version, act, scene)
    scene = scene or {}
    scene.version = version
    scene.handler = function(request, response)
        act(response, request)
    end
    return exchange.request(scene)
end

return exchange
