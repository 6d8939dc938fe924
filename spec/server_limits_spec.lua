-- What all clients of a server may make it do together.
local http2 = require("http2")
local cert = require("spec.support.cert")
local conformance = require("spec.support.conformance")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local net = require("http2.net")
local rawpeer = require("spec.support.rawpeer")
local timers = require("http2.timers")

local function ignore_errors(stream)
    stream:on("error", function() end)
end

-- A server on the address that `listen` takes; gives it, its port and the list of what was dropped.
local function serve(options, ...)
    local server, dropped = loop.track(http2.createServer(options)), {}
    server:on("drop", function(facts)
        dropped[#dropped + 1] = facts
    end)
    server:listen(0, ...)
    return server, rawpeer.port_of(server), dropped
end

describe("maxConnectionsPerIp of a server", function()
    after_each(loop.clean)

    it("drops what one address has too many of, until one of them is closed", function()
        local server, port, dropped = serve({maxConnectionsPerIp = 2}, "127.0.0.1")
        local peers = {rawpeer.connect(port), rawpeer.connect(port)}
        local third = rawpeer.open(port)
        third:await_end()
        assert.equal(1, #dropped)
        assert.equal("127.0.0.1", dropped[1].remoteAddress)
        third:close()
        peers[1]:close()
        -- The server may not know of the end yet.
        local fourth
        rawpeer.turn_until(function()
            fourth = rawpeer.open(port)
            local count = #dropped
            rawpeer.turn_until(function()
                return #dropped > count or fourth:_fill() or nil
            end)
            return #dropped == count or nil
        end)
        fourth:close()
        peers[2]:close()
        server:close()
        loop.run()
    end)

    it("counts each address by itself, one of IPv4 on either kind of socket", function()
        local server, port, dropped = serve({maxConnectionsPerIp = 1}, "::")
        local count, sockets = 0, {}
        local function connect(from)
            local socket = net.connect{port = port, host = "127.0.0.1", localAddress = from}
            socket:on("error", function() end)
            socket:on("data", function()
                count = count + 1
            end)
            sockets[#sockets + 1] = socket
        end
        connect("127.0.0.1")
        connect("127.0.0.2")
        connect("127.0.0.3")
        assert(rawpeer.turn_until(function() return count == 3 or nil end))
        connect("127.0.0.2")
        assert(rawpeer.turn_until(function() return #dropped == 1 or nil end))
        assert.truthy(dropped[1].remoteAddress:find("127.0.0.2", 1, true))
        for _, socket in ipairs(sockets) do
            socket:destroy()
        end
        server:close()
        loop.run()
    end)

    it("raises for what is no number", function()
        local ok, err = pcall(http2.createServer, {maxConnectionsPerIp = "many"})
        assert.is_false(ok)
        assert.equal("ERR_INVALID_ARG_TYPE", err.code)
    end)
end)

describe("maxServerMemory of a server", function()
    local world = conformance.server{maxServerMemory = 5, maxSessionMemory = 100}

    -- A client with a window of nothing, for which the server keeps so many octets.
    local function hold(octets)
        world.handler = function(stream)
            ignore_errors(stream)
            stream:respond()
            stream:finish(("x"):rep(octets))
        end
        local peer = world.connect{{frames.INITIAL_WINDOW_SIZE, 0}}
        peer:await_settings_ack()
        peer:send(frames.get(1))
        peer:await_frame(frames.HEADERS, 1)
        peer:await_pong()
        return peer
    end

    it("refuses new streams above four fifths of it, on all sessions", function()
        local first, second = hold(2300000), hold(2300000)
        local other = world.connect()
        other:send(frames.get(1))
        other:await_reset(1, "REFUSED_STREAM")
        first:abort()
        assert(rawpeer.turn_until(function() return #world.session_errors > 0 or nil end))
        world.handler = nil
        assert.equal(200, other:await_service(3).status)
        second:send(frames.settings{{frames.INITIAL_WINDOW_SIZE, 3000000}},
            frames.window_update(0, 3000000))
        assert.equal(2300000, #second:await_answer(1).body)
    end)

    it("ends the session that holds most when it is used up, and no other", function()
        local small = hold(1000000)
        world.handler = function(stream)
            ignore_errors(stream)
            stream:respond()
            stream:finish(("x"):rep(4500000))
        end
        local large = world.connect{{frames.INITIAL_WINDOW_SIZE, 0}}
        large:send(frames.get(1))
        assert.equal(frames.errors.ENHANCE_YOUR_CALM, large:await_frame(frames.GOAWAY).code)
        large:await_end()
        world.await_session_error()
        assert.truthy(world.session_errors[1].message:find("maxServerMemory", 1, true))
        world.handler = nil
        small:send(frames.settings{{frames.INITIAL_WINDOW_SIZE, 3000000}},
            frames.window_update(0, 3000000))
        assert.equal(1000000, #small:await_answer(1).body)
        assert.equal(200, small:await_service(3).status)
    end)
end)

describe("a burst of TLS handshakes", function()
    after_each(loop.clean)

    it("has a turn's worth of signatures at a time, and is served to the last", function()
        local server = loop.track(net.tls.createServer({
            key = cert.read("server.key"), cert = cert.read("server.crt"),
        }, function(socket)
            socket:resume()
        end))
        local port, others, open = nil, 0, 60
        server:listen(0, "127.0.0.1", function()
            port = server:address().port
            for _ = 1, open do
                local client = net.tls.connect{port = port, host = "127.0.0.1",
                    ca = cert.read("ca.crt")}
                client:on("secureConnect", function()
                    client:finish()
                end)
                client:resume():on("close", function()
                    open = open - 1
                    if open == 0 then
                        server:close()
                    end
                end)
            end
            -- Somebody else's turns, while they go on.
            local function turn()
                others = others + 1
                if open > 0 then
                    timers.setImmediate(turn)
                end
            end
            turn()
        end)
        loop.run()
        assert.equal(0, open)
        assert.is_true(others > 60 / 8, others)
    end)
end)
