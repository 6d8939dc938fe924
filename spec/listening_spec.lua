-- How a server listens, and what holds for the connections to come.
local http2 = require("http2")
local cert = require("spec.support.cert")
local frames = require("spec.support.frames")
local ipv6 = require("spec.support.ipv6")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")
local socket = require("socket")

local function is_listening(server)
    assert(rawpeer.turn_until(function() return server.listening or nil end))
end

local function temporary_path()
    local path = os.tmpname()
    os.remove(path)
    return path
end

-- Fails unless a client gets an answer.
local function check_service(server, url, options)
    local status
    server:once("stream", function(stream)
        stream:respond({[":status"] = 204}, {endStream = true})
    end)
    local session = loop.track(http2.connect(url, options))
    local stream = session:request()
    stream:on("response", function(headers)
        status = headers[":status"]
    end)
    stream:resume()
    assert(rawpeer.turn_until(function() return status end))
    assert.equal(204, status)
    session:close()
end

describe("server:listen", function()
    after_each(loop.clean)

    it("takes a descriptor over that listens already", function()
        local own = assert(socket.bind("127.0.0.1", 0))
        local _, port = own:getsockname()
        local server = loop.track(http2.createServer())
        server:listen{fd = own:getfd()}
        own:setfd(-1) -- it is the server's now
        is_listening(server)
        assert.equal(math.tointeger(tonumber(port)), server:address().port)
        check_service(server, "http://127.0.0.1:" .. port)
    end)

    it("tells what is wrong with a descriptor", function()
        local server = loop.track(http2.createServer())
        local err
        server:on("error", function(e)
            err = e
        end)
        server:listen{fd = 9999}
        assert(rawpeer.turn_until(function() return err end))
        assert.is_false(server.listening)
        assert.is_nil(server:address())
    end)

    it("has the path of a Unix socket for its address, and removes it at the end", function()
        local path = temporary_path()
        local server = loop.track(http2.createServer())
        server:listen(path)
        is_listening(server)
        assert.equal(path, server:address())
        check_service(server, "http://localhost", {path = path})
        local closed
        server:close(function()
            closed = true
        end)
        assert.is_nil(server:address())
        assert(rawpeer.turn_until(function() return closed end))
        assert.is_nil(io.open(path))
    end)

    it("lets others use a Unix socket where it is told so", function()
        local lfs = require("lfs")
        local path = temporary_path()
        local server = loop.track(http2.createServer())
        server:listen{path = path, readableAll = true, writableAll = true}
        is_listening(server)
        assert.equal("rw-rw-rw-", lfs.attributes(path, "permissions"))
    end)

    it("takes IPv6 alone at ipv6Only", function()
        if not ipv6.is_here() then
            return pending("this machine has no IPv6")
        end
        local server = loop.track(http2.createServer())
        server:listen{port = 0, ipv6Only = true}
        is_listening(server)
        local address = server:address()
        assert.equal("IPv6", address.family)
        check_service(server, ("http://[::1]:%d"):format(address.port))
        assert.is_nil((socket.connect("127.0.0.1", address.port)))
        local both = loop.track(http2.createServer())
        both:listen{port = 0}
        is_listening(both)
        check_service(both, ("http://[::1]:%d"):format(both:address().port))
        check_service(both, ("http://127.0.0.1:%d"):format(both:address().port))
    end)

    it("takes a name for the host", function()
        local server = loop.track(http2.createServer())
        server:listen(0, "localhost")
        is_listening(server)
        check_service(server, ("http://localhost:%d"):format(server:address().port))
        local nowhere, err = loop.track(http2.createServer()), nil
        nowhere:on("error", function(e)
            err = e
        end)
        nowhere:listen(0, "no..where") -- which no name server is asked for
        assert(rawpeer.turn_until(function() return err end))
        assert.equal("getaddrinfo", err.syscall)
    end)
end)

describe("server:ref and server:unref", function()
    after_each(loop.clean)

    it("say whether the server keeps the loop alive", function()
        local server = loop.track(http2.createServer())
        server:listen(0, "127.0.0.1")
        is_listening(server)
        assert.is_true(http2.run("nowait"))
        assert.equal(server, server:unref())
        assert.is_true(loop.is_idle())
        assert.equal(server, server:ref())
        assert.is_true(http2.run("nowait"))
    end)
end)

describe("server.maxConnections", function()
    after_each(loop.clean)

    it("is none at first, 0 lets nobody in, and nil takes it back", function()
        local server = loop.track(http2.createServer())
        local dropped = 0
        server:on("drop", function()
            dropped = dropped + 1
        end)
        assert.is_nil(server.maxConnections)
        server.maxConnections = 0
        assert.equal(0, server.maxConnections)
        server:listen(0, "127.0.0.1")
        local port = rawpeer.port_of(server)
        rawpeer.open(port):await_end()
        assert.equal(1, dropped)
        server.maxConnections = nil
        assert.is_nil(server.maxConnections)
        local peer = rawpeer.connect(port)
        peer:await_pong()
        peer:close()
        assert.equal(1, dropped)
    end)
end)

describe("server:updateSettings", function()
    after_each(loop.clean)

    local function first_settings(port)
        local peer = rawpeer.open(port)
        peer:send(frames.preface, frames.settings())
        local settings = peer:await_frame(frames.SETTINGS).settings
        peer:close()
        return settings
    end

    it("is for sessions to come, and adds to what was said before", function()
        for _, create in ipairs{http2.createServer, function(options)
            options.key, options.cert = cert.read("server.key"), cert.read("server.crt")
            return http2.createSecureServer(options)
        end} do
            local server = loop.track(create{settings = {maxConcurrentStreams = 7}})
            assert.is_nil(server:updateSettings{maxFrameSize = 20000, enablePush = true})
            local session
            server:on("session", function(each)
                session = session or each
            end)
            server:listen(0, "127.0.0.1")
            local port = rawpeer.port_of(server)
            if create == http2.createServer then
                local settings = first_settings(port)
                assert.equal(7, settings[frames.MAX_CONCURRENT_STREAMS])
                assert.equal(20000, settings[frames.MAX_FRAME_SIZE])
                assert.is_nil(settings[frames.ENABLE_PUSH])
                server:updateSettings{maxConcurrentStreams = 8}
                settings = first_settings(port)
                assert.equal(8, settings[frames.MAX_CONCURRENT_STREAMS])
                assert.equal(20000, settings[frames.MAX_FRAME_SIZE])
            else
                local client = loop.track(http2.connect("https://localhost:" .. port,
                    {ca = cert.read("ca.crt")}))
                local seen
                client:on("remoteSettings", function(settings)
                    seen = settings
                end)
                assert(rawpeer.turn_until(function() return seen end))
                assert.equal(20000, seen.maxFrameSize)
                client:close()
            end
        end
    end)
end)
