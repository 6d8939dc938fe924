-- Sockets of http2.net.
local net = require("http2.net")
local timers = require("http2.timers")
local loop = require("spec.support.loop")
local servers = require("spec.support.net_server")
local pace = require("spec.support.pace")

local setTimeout = timers.setTimeout

local listen, watch = servers.listen, servers.watch

describe("a socket", function()
    after_each(loop.clean)

    it("connects, and knows both ends", function()
        local events, facts = {}, {}
        listen(function(socket)
            facts.server = socket.remotePort
            socket:finish()
        end, function(server, port)
            local client = net.connect(port, "127.0.0.1")
            assert.is_true(client.connecting)
            assert.equal("opening", client.readyState)
            assert.is_true(client.pending)
            assert.is_nil(client.remoteAddress)
            assert.same({}, client:address())
            watch(events, client, "connect", "ready", "end", "finish", "close")
            client:on("connect", function()
                facts.state = client.readyState
                facts.pending = client.pending
            end)
            client:on("close", function()
                facts.local_port, facts.remote = client.localPort, client.remotePort == port
                facts.address = client.remoteAddress .. client.remoteFamily
                facts.own = client:address().address
                facts.closed = client.readyState
                server:close()
            end)
            client:resume()
        end)
        loop.run()
        assert.same({"connect", "ready", "end", "finish", "close"}, events)
        assert.equal(facts.server, facts.local_port)
        assert.is_true(facts.remote)
        assert.equal("127.0.0.1IPv4", facts.address)
        assert.equal("127.0.0.1", facts.own)
        assert.equal("open", facts.state)
        assert.is_false(facts.pending)
        assert.equal("closed", facts.closed)
    end)

    it("connects by name, telling what the name came to", function()
        local found
        listen(function(socket)
            socket:finish()
        end, function(server, port)
            local client = net.connect{port = port, host = "localhost", family = 4}
            client:on("lookup", function(err, address, family, host)
                found = {err or "none", address, family, host}
            end)
            client:resume()
            client:on("close", function()
                server:close()
            end)
        end)
        loop.run()
        assert.same({"none", "127.0.0.1", 4, "localhost"}, found)
    end)

    it("works over a Unix socket", function()
        local path, got = os.tmpname(), nil
        os.remove(path)
        local server
        server = net.createServer(function(socket)
            assert.is_nil(socket.remoteAddress)
            socket:pipe(socket)
        end)
        server:listen(path, function()
            local client = net.connect(path)
            client:on("data", function(data)
                got = data
                client:finish()
            end)
            client:on("close", function()
                server:close()
            end)
            client:write("over a path")
        end)
        loop.run()
        assert.equal("over a path", got)
    end)

    it("tells what it could not connect to", function()
        local err, events = nil, {}
        local socket = net.connect(1, "127.0.0.1")
        socket:write("lost", function(e)
            events[#events + 1] = e.code
        end)
        socket:on("error", function(e)
            err = e
            events[#events + 1] = "error"
        end)
        watch(events, socket, "close")
        loop.run()
        assert.equal("ECONNREFUSED", err.code)
        assert.equal("connect", err.syscall)
        assert.equal("127.0.0.1", err.address)
        assert.equal(1, err.port)
        assert.is_true(err.errno < 0)
        assert.same({"ECONNREFUSED", "error", "close"}, events)
    end)

    it("refuses arguments that make no sense", function()
        for _, case in ipairs{{"ERR_SOCKET_BAD_PORT", -1}, {"ERR_SOCKET_BAD_PORT", nil},
            {"ERR_MISSING_ARGS", {}}, {"ERR_SOCKET_BAD_PORT", {port = 70000}},
            {"ERR_INVALID_ARG_TYPE", {port = 1, host = 5}}} do
            local ok, err = pcall(net.connect, case[2])
            assert.is_false(ok)
            assert.equal(case[1], err.code)
        end
        local ok, err = pcall(net.connect, 1, "localhost", "no callback")
        assert.is_false(ok)
        assert.equal("ERR_INVALID_ARG_TYPE", err.code)
    end)

    it("can be destroyed at every stage of connecting", function()
        local closed = 0
        for _, delay in ipairs{0, 1, 2} do
            local socket = net.connect(9, delay == 2 and "localhost" or "10.255.255.1")
            socket:on("error", function() end)
            socket:on("close", function()
                closed = closed + 1
            end)
            if delay == 0 then
                socket:destroy()
            else
                setTimeout(socket.destroy, delay, socket)
            end
        end
        loop.run()
        assert.equal(3, closed)
    end)

    it("counts octets, also when it is closed", function()
        local client
        listen(function(socket)
            socket:pipe(socket)
        end, function(server, port)
            client = net.connect(port, "127.0.0.1")
            client:finish("12345")
            assert.equal(5, client.bytesWritten)
            client:resume()
            client:on("close", function()
                server:close()
            end)
        end)
        loop.run()
        assert.equal(5, client.bytesRead)
        assert.equal(5, client.bytesWritten)
    end)

    it("emits timeout after idle time, and closes nothing", function()
        pace.try(function(unit)
            local times, beats = 0, 0
            listen(function(socket)
                socket:resume()
            end, function(server, port)
                local client = net.connect(port, "127.0.0.1", function() end)
                client:on("connect", function()
                    client:setTimeout(2 * unit, function()
                        times = times + 1
                        assert.is_false(client.destroyed)
                        client:destroy()
                        server:close()
                    end)
                    assert.equal(2 * unit, client.timeout)
                    local beat
                    beat = timers.setInterval(function()
                        beats = beats + 1
                        client:write("alive")
                        if beats == 3 then
                            timers.clearInterval(beat)
                        end
                    end, unit)
                end)
            end)
            loop.run()
            assert.equal(1, times)
            assert.equal(3, beats)
        end)
    end)

    it("closes both ways when the peer ends, unless half-open is allowed", function()
        for _, half_open in ipairs{false, true} do
            local got = {}
            listen(function(socket)
                socket:resume()
                socket:on("end", function()
                    setTimeout(function()
                        got[#got + 1] = tostring(socket.writable)
                        socket:finish(half_open and "late" or nil)
                    end, 10)
                end)
            end, function(server, port)
                local client = net.connect{port = port, host = "127.0.0.1", allowHalfOpen = true}
                client:on("data", function(data)
                    got[#got + 1] = data
                end)
                client:on("close", function()
                    server:close()
                end)
                client:finish()
            end, {allowHalfOpen = half_open})
            loop.run()
            assert.same(half_open and {"true", "late"} or {"false"}, got)
        end
    end)

    it("resets when asked to", function()
        local err
        listen(function(socket)
            socket:resume()
            socket:on("error", function(e)
                err = e
            end)
        end, function(server, port)
            local client = net.connect(port, "127.0.0.1")
            client:on("connect", function()
                client:resetAndDestroy()
                server:close()
            end)
        end)
        loop.run()
        assert.equal("ECONNRESET", err.code)
    end)

    it("is destroyed when what it wrote has gone", function()
        local got, size = 0, 3000000
        listen(function(socket)
            socket:on("data", function(data)
                got = got + #data
            end)
        end, function(server, port)
            local client = net.connect(port, "127.0.0.1")
            client:write(("x"):rep(size))
            client:destroySoon()
            client:on("close", function()
                server:close()
            end)
        end)
        loop.run()
        assert.equal(size, got)
    end)

    it("does not connect twice", function()
        local socket = net.connect(1, "127.0.0.1")
        socket:on("error", function() end)
        local ok, err = pcall(socket.connect, socket, 1)
        loop.run()
        assert.is_false(ok)
        assert.equal("ERR_SOCKET_ALREADY_USED", err.code)
    end)

    it("takes its settings at any time", function()
        local socket = net.Socket{highWaterMark = 5, allowHalfOpen = true}
        assert.equal(5, socket.writableHighWaterMark)
        assert.equal(socket, socket:setNoDelay())
        assert.equal(socket, socket:setKeepAlive(true, 1000))
        assert.equal(socket, socket:setTimeout(10))
        assert.equal(socket, socket:ref())
        assert.equal(socket, socket:unref())
        assert.equal("closed", socket.readyState)
    end)

    it("does not keep the loop alive when unreferenced", function()
        local clients, server, left = {}, nil, 2
        local function unref(socket)
            socket:unref()
            left = left - 1
            if left == 0 then
                server:unref()
            end
        end
        server = listen(function(socket)
            clients.accepted = socket
            unref(socket)
        end, function(_, port)
            clients.connected = net.connect(port, "127.0.0.1", function()
                unref(clients.connected)
            end)
        end)
        loop.run()
        clients.accepted:destroy()
        clients.connected:destroy()
        server:close()
        loop.run()
    end)

    it("is collected once it has closed", function()
        local watched = setmetatable({}, {__mode = "k"})
        listen(function(socket)
            watched[socket] = true
            socket:pipe(socket)
        end, function(server, port)
            for _ = 1, 5 do
                local client = net.connect(port, "127.0.0.1")
                watched[client] = true
                client:on("data", function()
                    client:finish()
                end)
                client:write("x")
            end
            server:unref()
        end)
        loop.run()
        loop.clean()
        collectgarbage()
        collectgarbage()
        assert.is_nil(next(watched))
    end)
end)
