-- Servers of http2.net.
local http2 = require("http2")
local net = require("http2.net")
local timers = require("http2.timers")
local loop = require("spec.support.loop")
local servers = require("spec.support.net_server")

local setTimeout = timers.setTimeout

local listen, watch = servers.listen, servers.watch

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
