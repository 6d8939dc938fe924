--- A server and a client session to it, in this process, over real sockets. Works under Lua 5.4
--- and LuaJIT.
local cert = nil
local http2 = require("http2")
local loop = require("spec.support.loop")

local pair = {}

local function merge(into, from)
    for key, value in pairs(from or {}) do
        into[key] = value
    end
    return into
end

local function server_options(scene)
    if not scene.tls then
        return merge({}, scene.server_options)
    end
    cert = cert or require("spec.support.cert")
    return merge({key = cert.read("server.key"), cert = cert.read("server.crt")},
        scene.server_options)
end

local function client_options(scene)
    if not scene.tls then
        return merge({}, scene.client_options)
    end
    return merge({ca = cert.read("ca.crt")}, scene.client_options)
end

--- A server on a free port of 127.0.0.1 and ::1's sibling; `ready(port)` is called when it listens.
function pair.serve(scene, ready)
    local create = scene.tls and http2.createSecureServer or http2.createServer
    local server = loop.track(create(server_options(scene)))
    server:listen(0, "127.0.0.1", function()
        ready(server:address().port)
    end)
    return server
end

--- Plays one scene: {server = fn(server), client = fn(session, server), and, where wanted, tls,
--- server_options, client_options, handler_error, seconds}. The server closes with the client's
--- session; the call returns when all is closed. What a server's handler raises fails the test,
--- unless the scene has a handler_error listener of its own.
function pair.play(scene)
    local failure
    local server
    server = pair.serve(scene, function(port)
        local url = ("%s://127.0.0.1:%d"):format(scene.tls and "https" or "http", port)
        local session = loop.track(http2.connect(url, client_options(scene)))
        session:on("close", function()
            server:close()
        end)
        server:on("handlerError", scene.handler_error or function(err)
            failure = failure or err
            session:destroy()
        end)
        scene.client(session, server)
    end)
    scene.server(server)
    loop.run(scene.seconds)
    if failure then
        error(failure, 0)
    end
end

--- Collects a stream's body: `done(body)` is called at its end.
function pair.collect(stream, done)
    local chunks = {}
    stream:on("data", function(chunk)
        chunks[#chunks + 1] = chunk
    end)
    stream:on("end", function()
        done(table.concat(chunks))
    end)
end

--- Notes the names of the events of an object as they come, in the list `log` under `prefix`.
function pair.log(log, prefix, object, names)
    for _, name in ipairs(names) do
        object:on(name, function()
            log[#log + 1] = prefix .. name
        end)
    end
    return object
end

--- A handler that sends back what comes.
function pair.echo(stream)
    stream:respond()
    stream:pipe(stream)
end

--- Sends `octets` over the session and back: `done` gets what came.
function pair.exchange(session, octets, done)
    local stream = session:request{[":method"] = "POST"}
    stream:on("error", function(err)
        done(nil, err)
    end)
    pair.collect(stream, done)
    stream:finish(octets)
    return stream
end

--- What a client's request comes to: {status, headers, interim, trailers, body, code, err}, filled
--- as it comes. `done` is called when the stream has closed.
function pair.view(stream, done)
    local view = {interim = {}}
    stream:on("response", function(headers)
        view.status, view.headers = headers[":status"], headers
    end)
    stream:on("headers", function(headers)
        table.insert(view.interim, headers)
    end)
    stream:on("trailers", function(headers)
        view.trailers = headers
    end)
    stream:on("error", function(err)
        view.err = err
    end)
    pair.collect(stream, function(body)
        view.body = body
    end)
    stream:on("close", function()
        view.code = stream.rstCode
        done()
    end)
    return view
end

return pair
