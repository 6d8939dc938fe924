--- The worlds in which conformance is tested: the library as a server or as a client, and a
--- scripted peer on the other side. Each is made anew for each test of the `describe` that asks for
--- it, and can define tests of the three kinds that there are most of:
---
---     world.ends_connection(title, code, octets)   a connection error (RFC 9113 5.4.1)
---     world.resets_stream(title, code, octets)     a stream error (5.4.2); the connection goes on
---     world.accepts(title, octets)                 no error at all; the connection goes on
---
--- `octets` is what the peer sends, or a function(peer) that does more. The stream meant is 1.
local busted = require("busted")
local http2 = require("http2")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local rawpeer = require("spec.support.rawpeer")

local conformance = {}

local function play(peer, octets)
    if type(octets) == "function" then
        octets(peer)
    else
        peer:send(octets)
    end
end

-- Reads the whole request, then answers 200 "ok".
local function serve(world, stream, headers, flags)
    world.requests[#world.requests + 1] = headers
    world.streams[#world.streams + 1] = stream
    stream:on("error", function(err)
        world.errors[#world.errors + 1] = err
    end)
    stream:resume()
    local function answer()
        stream:respond({[":status"] = 200})
        if not stream.headRequest then
            stream:finish("ok")
        end
    end
    if flags & frames.END_STREAM ~= 0 then
        answer()
    else
        stream:on("end", function()
            if not stream.aborted then
                answer()
            end
        end)
    end
end

-- The three kinds of tests, for a world that has `connect()`, giving a peer, and `serves(peer)`.
local function add_kinds(world)
    function world.ends_connection(title, code, octets)
        busted.it(("ends the connection with %s: %s"):format(code, title), function()
            local peer = world.connect()
            play(peer, octets)
            peer:await_fault(code)
            peer:close()
            world.await_session_error()
        end)
    end

    function world.resets_stream(title, code, octets)
        busted.it(("resets the stream with %s: %s"):format(code, title), function()
            local peer = world.connect()
            play(peer, octets)
            peer:await_reset(1, code)
            world.serves(peer)
        end)
    end

    function world.accepts(title, octets)
        busted.it("accepts " .. title, function()
            local peer = world.connect()
            play(peer, octets)
            world.serves(peer)
        end)
    end

    return world
end

--- The library as a server. The world has, in a test: port, server, connect(settings), and the
--- requests and streams that reached the handler, with the errors of the streams. `handler`, if set
--- by a test, takes the streams instead.
function conformance.server(options)
    local world = {}

    busted.before_each(function()
        world.requests, world.streams, world.errors = {}, {}, {}
        world.session_errors, world.handler = {}, nil
        world.server = pair.serve({server_options = options}, function() end)
        world.server:on("stream", function(...)
            if world.handler then
                return world.handler(...)
            end
            serve(world, ...)
        end)
        world.server:on("handlerError", function(err)
            table.insert(world.errors, err)
        end)
        world.server:on("sessionError", function(err)
            table.insert(world.session_errors, err)
        end)
        world.port = rawpeer.port_of(world.server)
    end)

    busted.after_each(loop.clean)

    function world.connect(settings)
        return rawpeer.connect(world.port, settings)
    end

    function world.serves(peer)
        return peer:await_service(9001)
    end

    function world.await_session_error()
        assert(rawpeer.turn_until(function()
            return #world.session_errors > 0 or nil
        end), "the server was not told of the session's error")
    end

    return add_kinds(world)
end

--- The library as a client, with a request open on stream 1 (a GET, or by `method`). The world has,
--- in a test: session, stream, peer, and what came to them: responses, stream_err, session_err.
function conformance.client(options, method)
    local world = {}

    local function watch(stream)
        stream:on("response", function(headers)
            table.insert(world.responses, headers)
        end)
        stream:on("error", function(err)
            world.stream_err = world.stream_err or err
        end)
        stream:resume()
        return stream
    end

    busted.after_each(function()
        if world.peer then
            world.peer:close()
        end
        loop.clean()
    end)

    --- Connects; the request is on the wire when it returns the peer.
    function world.connect(settings)
        world.responses, world.stream_err, world.session_err = {}, nil, nil
        local listener = rawpeer.listen()
        world.session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port, options))
        world.session:on("error", function(err)
            world.session_err = err
        end)
        world.stream = watch(world.session:request{[":method"] = method or "GET"})
        world.peer = listener:accept(settings)
        listener:close()
        world.peer:await_frame(frames.HEADERS, 1)
        return world.peer
    end

    function world.serves(peer)
        local before = #world.responses
        local stream = watch(world.session:request())
        local request = peer:await_frame(frames.HEADERS)
        peer:send(frames.response(request.id, 200), frames.data(request.id, "", frames.END_STREAM))
        assert(rawpeer.turn_until(function()
            return stream.closed and #world.responses > before or nil
        end), "the next request was not answered")
        assert(stream.rstCode == 0, "the next request was reset")
    end

    function world.await_session_error()
        assert(rawpeer.turn_until(function()
            return world.session_err and world.session.destroyed or nil
        end), "the session did not end with an error")
        assert(world.stream_err or world.stream.rstCode == 0, "the open stream was not told")
    end

    return add_kinds(world)
end

return conformance
