local http2 = require("http2")
local net = require("http2.net")
local timers = require("http2.timers")
local loop = require("spec.support.loop")
local cert = require("spec.support.cert")
local pace = require("spec.support.pace")

local setTimeout = timers.setTimeout

-- A server that listens on a free port of the loopback; `fn(server, port)` follows.
local function listen(on_connection, fn, options)
    local server = loop.track(net.createServer(options, on_connection))
    server:listen(0, "127.0.0.1", function()
        fn(server, server:address().port)
    end)
    return server
end

-- Notes the named events of an object in `log`.
local function watch(log, object, ...)
    for _, event in ipairs{...} do
        object:on(event, function()
            log[#log + 1] = event
        end)
    end
end

describe("a server", function()
    after_each(loop.clean)

    it("tells where it listens, and closes", function()
        local events, address = {}, nil
        local server = net.createServer()
        watch(events, server, "listening", "close")
        assert.is_nil(server:address())
        assert.is_false(server.listening)
        assert.equal(server, server:listen(0, "127.0.0.1", function()
            address = server:address()
            assert.is_true(server.listening)
            server:close(function(err)
                assert.is_nil(err)
                events[#events + 1] = "callback"
            end)
            assert.is_nil(server:address())
        end))
        loop.run()
        assert.same({"listening", "close", "callback"}, events)
        assert.equal("127.0.0.1", address.address)
        assert.equal("IPv4", address.family)
        assert.is_true(address.port > 0)
    end)

    it("takes every form of listen's arguments", function()
        local path = os.tmpname()
        os.remove(path)
        local forms = {
            {},
            {0},
            {"0"},
            {0, "localhost"},
            {0, "127.0.0.1", 10},
            {0, 10},
            {path},
            {{port = 0}},
            {{port = 0, host = "127.0.0.1", backlog = 5, reusePort = true}},
            {{path = path, readableAll = true, writableAll = true}},
        }
        for _, form in ipairs(forms) do
            local server, called = net.createServer(), false
            form[#form + 1] = function()
                called = true
                server:close()
            end
            server:listen((table.unpack or unpack)(form)) -- luacheck: ignore 113
            loop.run()
            assert.is_true(called)
        end
    end)

    it("refuses arguments that make no sense", function()
        local server = net.createServer()
        local cases = {
            {"ERR_SOCKET_BAD_PORT", 65536},
            {"ERR_SOCKET_BAD_PORT", -1},
            {"ERR_SOCKET_BAD_PORT", 1.5},
            {"ERR_SOCKET_BAD_PORT", {port = "x"}},
            {"ERR_INVALID_ARG_VALUE", {}},
            {"ERR_INVALID_ARG_VALUE", true},
            {"ERR_INVALID_ARG_TYPE", {port = 0, host = 5}},
            {"ERR_INVALID_ARG_TYPE", 0, "host", 1, "no callback"},
        }
        for _, case in ipairs(cases) do
            local ok, err = pcall(server.listen, server, case[2], case[3], case[4], case[5])
            assert.is_false(ok)
            assert.equal(case[1], err.code)
        end
        assert.is_false(http2.run())
    end)

    it("refuses to listen twice", function()
        local ok, err
        listen(nil, function(server)
            ok, err = pcall(server.listen, server, 0)
            server:close()
        end)
        loop.run()
        assert.is_false(ok)
        assert.equal("ERR_SERVER_ALREADY_LISTEN", err.code)
    end)

    it("tells that a port is in use, and can listen elsewhere after that", function()
        local err
        listen(nil, function(first, port)
            local second = net.createServer()
            second:on("error", function(e)
                err = e
                second:listen(0, "127.0.0.1", function()
                    second:close()
                    first:close()
                end)
            end)
            second:listen(port, "127.0.0.1")
        end)
        loop.run()
        assert.equal("EADDRINUSE", err.code)
        assert.equal("listen", err.syscall)
        assert.equal("127.0.0.1", err.address)
    end)

    it("tells close's callback that it was not running", function()
        local err
        net.createServer():close(function(e)
            err = e
        end)
        loop.run()
        assert.equal("ERR_SERVER_NOT_RUNNING", err.code)
    end)

    it("counts its connections, and closes when the last has ended", function()
        local events, count = {}, nil
        local server, client
        server = listen(function(socket)
            socket:on("close", function()
                events[#events + 1] = "socket"
            end)
            socket:resume()
            server:getConnections(function(err, n)
                assert.is_nil(err)
                count = n
            end)
            server:close()
            setTimeout(function()
                events[#events + 1] = "end"
                client:finish()
            end, 10)
        end, function(_, port)
            client = net.connect(port, "127.0.0.1")
        end)
        watch(events, server, "close")
        loop.run()
        assert.equal(1, count)
        assert.same({"end", "socket", "close"}, events)
    end)

    it("drops connections over its limit", function()
        local dropped, connected = nil, 0
        local server, first
        server = listen(function(socket)
            connected = connected + 1
            socket:resume()
            local second = net.connect(server:address().port, "127.0.0.1")
            second:resume()
            second:on("error", function() end)
            second:on("close", function()
                first:destroy()
                server:close()
            end)
        end, function(_, port)
            first = net.connect(port, "127.0.0.1")
        end)
        server.maxConnections = 1
        server:on("drop", function(facts)
            dropped = facts
        end)
        loop.run()
        assert.equal(1, connected)
        assert.equal("127.0.0.1", dropped.remoteAddress)
    end)

    it("does not keep the loop alive when unreferenced", function()
        local server = net.createServer()
        server:listen(0, "127.0.0.1")
        server:unref()
        http2.run()
        server:ref()
        server:close()
        loop.run()
    end)
end)

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

describe("a TLS socket", function()
    local tls = net.tls
    after_each(loop.clean)

    -- A TLS server with the options that follow; `fn(server, port)` when it listens.
    local function serve(options, on_connection, fn)
        options.cert, options.key = cert.read("server.crt"), cert.read("server.key")
        local server = loop.track(tls.createServer(options, on_connection))
        server:listen(0, "127.0.0.1", function()
            fn(server, server:address().port)
        end)
        return server
    end

    it("speaks to one that it trusts, and tells the facts", function()
        local facts, echoed = {}, nil
        serve({ALPNProtocols = {"echo", "other"}}, function(socket)
            facts.server = {socket.encrypted, socket.authorized, socket.alpnProtocol,
                socket.servername}
            socket:pipe(socket)
        end, function(server, port)
            local client
            client = tls.connect({port = port, host = "localhost", family = 4,
                ca = cert.read("ca.crt"), ALPNProtocols = {"echo"}}, function()
                client:write("hello")
            end)
            client:on("data", function(data)
                echoed = data
                client:finish()
            end)
            client:on("close", function()
                facts.client = {client.encrypted, client.authorized, client.alpnProtocol}
                facts.error = client.authorizationError
                facts.protocol = client:getProtocol()
                facts.cipher = client:getCipher()
                facts.certificate = client:getPeerCertificate().raw
                facts.reused = client:isSessionReused()
                server:close()
            end)
        end)
        loop.run()
        assert.equal("hello", echoed)
        assert.same({true, false, "echo", "localhost"}, facts.server)
        assert.same({true, true, "echo"}, facts.client)
        assert.is_nil(facts.error)
        assert.matches("^TLSv1%.[23]$", facts.protocol)
        assert.is_string(facts.cipher.name)
        assert.equal(0x30, facts.certificate:byte())
        assert.is_false(facts.reused)
    end)

    -- Under TLS 1.3 a server still has tickets to send when its client has already gone.
    local function bears_loss(socket)
        socket:on("error", function(err)
            assert.truthy(err.code == "EPIPE" or err.code == "ECONNRESET")
        end)
        return socket
    end

    it("has false for the protocol where none was negotiated", function()
        local alpn
        serve({}, function(socket)
            bears_loss(socket):pipe(socket)
        end, function(server, port)
            local client
            client = tls.connect({port = port, host = "127.0.0.1", ca = cert.read("ca.crt")},
                function()
                    alpn = client.alpnProtocol
                    client:destroy()
                    server:close()
                end)
        end)
        loop.run()
        assert.is_false(alpn)
    end)

    it("refuses one that it does not trust, and says why", function()
        local err, failure, accepted
        local server = serve({}, function()
            accepted = true
        end, function(server, port)
            local client = tls.connect{port = port, host = "127.0.0.1"}
            client:on("error", function(e)
                err = e
            end)
            client:on("close", function()
                server:close()
            end)
        end)
        server:on("tlsClientError", function(e, socket)
            failure = e
            assert.is_true(socket.destroyed)
        end)
        loop.run()
        assert.is_true(http2.isError(err))
        assert.is_string(err.code)
        assert.is_nil(accepted)
        assert.is_true(failure == nil or http2.isError(failure))
    end)

    it("speaks to one that it does not trust when told to, and knows it", function()
        local authorized, reason
        serve({}, function(socket)
            bears_loss(socket):resume()
        end, function(server, port)
            local client
            client = tls.connect({port = port, host = "127.0.0.1", rejectUnauthorized = false},
                function()
                    authorized, reason = client.authorized, client.authorizationError
                    client:destroy()
                    server:close()
                end)
        end)
        loop.run()
        assert.is_false(authorized)
        assert.is_true(http2.isError(reason))
    end)

    it("moves a lot of octets both ways", function()
        local size, got = 2000000, 0
        serve({}, function(socket)
            socket:pipe(socket)
        end, function(server, port)
            local client = tls.connect{port = port, host = "127.0.0.1", ca = cert.read("ca.crt")}
            client:on("data", function(data)
                got = got + #data
                if got == size then
                    client:finish()
                end
            end)
            client:on("close", function()
                server:close()
            end)
            client:write(("0123456789"):rep(size / 10))
        end)
        loop.run()
        assert.equal(size, got)
    end)

    it("names what is wrong with keys and options", function()
        local certificate, key = cert.read("server.crt"), cert.read("server.key")
        local other = cert.read("client.key")
        local cases = {
            {cert = "no PEM", key = key},
            {cert = certificate, key = "no PEM"},
            {cert = certificate, key = other},
            {cert = certificate, key = key, ca = "no PEM"},
            {cert = certificate, key = key, ciphers = "NO-SUCH-CIPHER"},
            {cert = certificate, key = key, maxVersion = "TLSv1.1"},
            {cert = certificate, key = key, minVersion = "TLSv9"},
            {cert = certificate, key = {key, other}},
            {cert = 5, key = key},
            {pfx = "x"},
        }
        for _, options in ipairs(cases) do
            local ok, err = pcall(tls.createServer, options)
            assert.is_false(ok)
            assert.is_true(http2.isError(err))
            assert.is_true(#err.message > 10)
        end
    end)

    it("takes keys as sequences and tables too", function()
        local certificate, key = cert.read("server.crt"), cert.read("server.key")
        tls.createServer{cert = {certificate}, key = {{pem = key}}, ca = {cert.read("ca.crt")}}
    end)
end)
