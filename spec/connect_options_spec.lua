-- The options of connect that say how to get there, and those of servers for their connections.
local http2 = require("http2")
local cert = require("spec.support.cert")
local ipv6 = require("spec.support.ipv6")
local loop = require("spec.support.loop")
local net = require("http2.net")
local pair = require("spec.support.pair")
local process = require("spec.support.process")
local rawpeer = require("spec.support.rawpeer")
local socket = require("socket")

local function merge(into, from)
    for key, value in pairs(from or {}) do
        into[key] = value
    end
    return into
end

local function secure_options(options)
    return merge({key = cert.read("server.key"), cert = cert.read("server.crt")}, options)
end

-- A server that answers with what it knows of the client; and where it listens.
local function serve(options, where)
    local server = loop.track(options and http2.createSecureServer(secure_options(options))
        or http2.createServer())
    server:on("stream", function(stream)
        local connection = stream.session.socket
        stream:respond{
            ["x-address"] = connection.remoteAddress, ["x-port"] = connection.remotePort,
            ["x-family"] = connection.remoteFamily, ["x-name"] = connection.servername or nil,
        }
        stream:finish("answer")
    end)
    server:listen(where or {port = 0, host = "127.0.0.1"})
    assert(rawpeer.turn_until(function() return server.listening or nil end))
    local address = server:address()
    return type(address) == "table" and address.port or address, server
end

-- One request over a new session: gives {headers, body, protocol, cipher} or {err}.
local function ask(url, options)
    local view, closed = {}, false
    local session = loop.track(http2.connect(url, options))
    session:on("error", function(err)
        view.err = err
    end)
    session:on("close", function()
        closed = true
    end)
    local stream = session:request()
    stream:on("error", function() end)
    stream:on("response", function(headers)
        view.headers = headers
        view.protocol = session.encrypted and session.socket.getProtocol()
        view.cipher = session.encrypted and session.socket.getCipher()
    end)
    pair.collect(stream, function(body)
        view.body = body
        session:close()
    end)
    assert(rawpeer.turn_until(function() return closed or nil end), "the session does not end")
    return view
end

describe("connect: where to", function()
    after_each(loop.clean)

    it("host and port of the options go before those of the URL", function()
        local port = serve()
        local view = ask("http://nowhere.invalid:1", {host = "127.0.0.1", port = port})
        assert.equal("answer", view.body)
    end)

    it("path is a Unix socket", function()
        local path = os.tmpname()
        os.remove(path)
        local address, server = serve(nil, path)
        assert.equal(path, address)
        local view = ask("http://localhost", {path = path})
        assert.equal("answer", view.body)
        assert.is_nil(view.headers["x-address"])
        server:close()
    end)

    it("protocol is that of an authority that has none, https without", function()
        local port = serve()
        local authority = {hostname = "127.0.0.1", port = port}
        assert.equal("answer", ask(authority, {protocol = "http:"}).body)
        assert.equal("answer", ask(authority, {protocol = "http"}).body)
        assert.equal("answer", ask({protocol = "http:", host = "127.0.0.1", port = port},
            {protocol = "https:"}).body)
        local secure_port = serve{}
        authority.port = secure_port
        assert.equal("answer", ask(authority, {ca = cert.read("ca.crt")}).body)
    end)

    it("family chooses among the addresses of a name", function()
        local asked
        local function lookup(_, options, done)
            asked = options.family
            done(nil, options.family == 6 and "::1" or "127.0.0.1")
        end
        local port = serve()
        assert.equal("answer",
            ask("http://some.example:" .. port, {lookup = lookup, family = 4}).body)
        assert.equal(4, asked)
        assert.equal("IPv4", ask("http://localhost:" .. port, {family = 4}).headers["x-family"])
        if not ipv6.is_here() then
            return pending("this machine has no IPv6")
        end
        local other = serve(nil, {port = 0, host = "::1"})
        local view = ask("http://some.example:" .. other, {lookup = lookup, family = 6})
        assert.equal("IPv6", view.headers["x-family"])
    end)

    it("lookup may give one address, several, nothing of use, or fail", function()
        local port = serve()
        local url = "http://some.example:" .. port
        local function with(...)
            local answer = table.pack(...)
            return ask(url, {lookup = function(_, _, done)
                done(table.unpack(answer, 1, answer.n))
                done(nil, "127.0.0.1") -- a second answer does nothing
            end})
        end
        assert.equal("answer", with(nil, "127.0.0.1", 4).body)
        assert.equal("answer", with(nil, {{address = "127.0.0.1", family = 4}}).body)
        assert.equal("ERR_INVALID_IP_ADDRESS", with(nil, 5).err.code)
        assert.equal("ERR_INVALID_IP_ADDRESS", with(nil, {}).err.code)
        assert.equal("mine", with("mine").err.message)
        assert.equal("answer", ask("http://127.0.0.1:" .. port, {lookup = function()
            error("an address is not looked up")
        end}).body)
    end)

    it("localAddress and localPort are where the connection comes from", function()
        local port = serve()
        local url = "http://127.0.0.1:" .. port
        assert.equal("127.0.0.2", ask(url, {localAddress = "127.0.0.2"}).headers["x-address"])
        local free = process.free_port()
        local view = ask(url, {localAddress = "127.0.0.1", localPort = free})
        assert.equal(tostring(free), view.headers["x-port"])
        local failed = ask(url, {localAddress = "192.0.2.1"})
        assert.equal("EADDRNOTAVAIL", failed.err.code)
    end)
end)

describe("connect: signal", function()
    after_each(loop.clean)

    local function aborted(when)
        local listener = rawpeer.listen()
        local controller = http2.AbortController()
        if when == "before" then
            controller:abort("reason")
        end
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port,
            {signal = controller.signal}))
        local err, stream_err, closed
        session:on("error", function(e)
            err = e
        end)
        session:on("close", function()
            closed = true
        end)
        if when ~= "before" then
            session:request():on("error", function(e)
                stream_err = e
            end)
        end
        if when == "connected" then
            listener:accept()
            assert(rawpeer.turn_until(function() return not session.connecting or nil end))
        end
        controller:abort("reason")
        assert.is_true(session.destroyed)
        assert(rawpeer.turn_until(function() return closed end))
        listener.close()
        assert.equal("ABORT_ERR", err.code)
        assert.equal("AbortError", err.name)
        assert.equal("reason", err.cause)
        assert.equal(0, controller.signal:listenerCount("abort"))
        return stream_err
    end

    it("ends a session that is aborted before it begins", function()
        aborted("before")
    end)

    it("ends one that connects, and its requests", function()
        assert.equal("ERR_HTTP2_STREAM_CANCEL", aborted("connecting").code)
    end)

    it("ends one that is connected", function()
        assert.equal("ABORT_ERR", aborted("connected").code)
    end)

    it("does nothing once the session has closed", function()
        local port = serve()
        local controller = http2.AbortController()
        local view = ask("http://127.0.0.1:" .. port, {signal = controller.signal})
        assert.equal("answer", view.body)
        controller:abort()
        assert.is_nil(view.err)
    end)

    it("must be an AbortSignal", function()
        local ok, err = pcall(http2.connect, "http://127.0.0.1:1", {signal = 1})
        assert.is_false(ok)
        assert.equal("ERR_INVALID_ARG_TYPE", err.code)
    end)
end)

describe("connect: TLS", function()
    after_each(loop.clean)

    local function ask_secure(port, options)
        return ask("https://localhost:" .. port, merge({
            host = "127.0.0.1", ca = cert.read("ca.crt"),
        }, options))
    end

    it("servername is asked for, verified and the host of :authority", function()
        local asked
        local port, server = serve{}
        server:on("stream", function(_, headers)
            asked = headers[":authority"]
        end)
        local view = ask("https://127.0.0.1:" .. port,
            {ca = cert.read("ca.crt"), servername = "localhost"})
        assert.equal("localhost", view.headers["x-name"])
        assert.equal("localhost:" .. port, asked)
        assert.equal("ERR_TLS_CERT_ALTNAME_INVALID",
            ask_secure(port, {servername = "other.example"}).err.code)
    end)

    it("minVersion, maxVersion and ciphers bound what is agreed on", function()
        local port = serve{}
        assert.equal("TLSv1.2", ask_secure(port, {maxVersion = "TLSv1.2"}).protocol)
        local suite = "ECDHE-ECDSA-AES256-GCM-SHA384"
        local view = ask_secure(port, {maxVersion = "TLSv1.2", ciphers = suite})
        assert.equal(suite, view.cipher.name)
        local bounded = serve{maxVersion = "TLSv1.2", ciphers = suite}
        assert.equal(suite, ask_secure(bounded).cipher.name)
        local ok, err = pcall(http2.connect, "https://localhost", {minVersion = "TLSv9"})
        assert.is_false(ok)
        assert.equal("ERR_TLS_INVALID_PROTOCOL_VERSION", err.code)
    end)

    it("key, cert and passphrase are the client's certificate", function()
        local folder = process.folder()
        finally(function() process.remove(folder) end)
        process.write_file(folder .. "/plain.key", cert.read("client.key"))
        local made = process.run{"openssl", "ec", "-in", folder .. "/plain.key", "-aes128",
            "-passout", "pass:secret", "-out", folder .. "/client.key"}
        assert.equal(0, made.status, made.err)
        local sealed = process.read_file(folder .. "/client.key")
        local port, server = serve{requestCert = true, ca = cert.read("ca.crt")}
        server:on("tlsClientError", function() end)
        local given = {key = sealed, passphrase = "secret", cert = cert.read("client.crt")}
        assert.equal("answer", ask_secure(port, given).body)
        assert.is_truthy(ask_secure(port).err)
        given.passphrase = "wrong"
        assert.is_false((pcall(ask_secure, port, given)))
    end)

    it("session is what an earlier connection has left, told by the socket's \"session\"",
        function()
        local port = serve{}
        local session = loop.track(http2.connect("https://localhost:" .. port,
            {host = "127.0.0.1", ca = cert.read("ca.crt")}))
        local ticket
        session:on("connect", function()
            assert.is_false(session.socket.isSessionReused())
            session.socket:on("session", function(blob)
                ticket = blob
            end)
            if session.socket.getProtocol() ~= "TLSv1.3" then -- whose tickets are still to come
                ticket = session.socket.getSession()
            end
        end)
        assert(rawpeer.turn_until(function() return ticket end))
        session:close()
        local second = loop.track(http2.connect("https://localhost:" .. port,
            {host = "127.0.0.1", ca = cert.read("ca.crt"), session = ticket}))
        local is_reused
        second:on("connect", function()
            is_reused = second.socket.isSessionReused()
        end)
        assert(rawpeer.turn_until(function() return is_reused ~= nil or nil end))
        assert.is_true(is_reused)
        second:close()
        assert.equal("answer", ask_secure(port, {session = "no session"}).body)
    end)
end)

describe("a TLS socket", function()
    after_each(loop.clean)

    it("tells by \"session\" what can be resumed, and by \"keylog\" its secrets", function()
        local lines, of_server, tickets = {}, {}, {}
        local port, server = serve{}
        server:on("keylog", function(line)
            of_server[#of_server + 1] = line
        end)
        server:on("unknownProtocol", function(connection)
            connection:finish("hello")
        end)
        local client = net.tls.connect{
            port = port, host = "127.0.0.1", servername = "localhost", ca = cert.read("ca.crt"),
        }
        client:on("keylog", function(line)
            lines[#lines + 1] = line
        end)
        client:on("session", function(blob)
            tickets[#tickets + 1] = blob
        end)
        client:on("error", function() end)
        client:resume()
        assert(rawpeer.turn_until(function() return tickets[1] end))
        assert.equal("string", type(tickets[1]))
        assert.equal(client:getSession(), tickets[#tickets])
        assert.is_true(#lines > 0)
        for _, line in ipairs(lines) do
            assert.truthy(line:find("^[A-Z_0-9]+ %x+ %x+\n$"), line)
        end
        table.sort(lines)
        table.sort(of_server)
        assert.same(of_server, lines) -- both sides have the same secrets
        client:destroy()
    end)
end)

-- What the kernel says of the connection between two ports of 127.0.0.1, as the end at `port`: the
-- timer that runs, and the inode.
local function kernel_facts(port, remote)
    local pattern = (":%04X 0100007F:%04X"):format(port, remote)
    for line in io.lines("/proc/self/net/tcp") do
        if line:find(pattern, 1, true) then
            local words = {}
            for word in line:gmatch("%S+") do
                words[#words + 1] = word
            end
            return tonumber(words[6]:match("^%x+"), 16), words[10]
        end
    end
end

-- Whether Nagle's algorithm is off for the socket with this inode.
local function is_no_delay(inode)
    local pid = assert(io.open("/proc/self/stat")):read("n")
    local listing = process.run{"ls", "-l", ("/proc/%d/fd"):format(pid)}
    local fd = assert(listing.out:match("(%d+) %-> socket:%[" .. inode .. "%]"))
    local view = assert(socket.tcp4())
    local own = view:getfd()
    view:setfd(tonumber(fd))
    local is_on = view:getoption("tcp-nodelay")
    view:setfd(own)
    view:close()
    return is_on
end

describe("the options of connections", function()
    after_each(loop.clean)

    local keep_alive_timer = 2 -- of /proc/net/tcp

    -- A connection from a client with options to a server with options: the timers of both, and
    -- whether TCP_NODELAY is set.
    local function connect(client_options, server_options)
        local server = loop.track(http2.createServer(server_options))
        server:listen(0, "127.0.0.1")
        local port = rawpeer.port_of(server)
        local session = loop.track(http2.connect("http://127.0.0.1:" .. port, client_options))
        local own, settled
        session:on("remoteSettings", function()
            own = session.socket.localPort
            settled = true
        end)
        assert(rawpeer.turn_until(function() return settled end))
        local view = {}
        -- Other timers, of retransmission, have their turn first.
        assert(rawpeer.turn_until(function()
            view.client, view.client_inode = kernel_facts(own, port)
            view.server, view.server_inode = kernel_facts(port, own)
            local is_settled = view.client % 2 == 0 and view.server % 2 == 0
            return is_settled or nil
        end))
        view.client_no_delay = is_no_delay(view.client_inode)
        view.server_no_delay = is_no_delay(view.server_inode)
        session:destroy()
        return view
    end

    it("keepAlive has TCP ask whether the peer is there", function()
        local view = connect({keepAlive = true, keepAliveInitialDelay = 5000}, {})
        assert.equal(keep_alive_timer, view.client)
        assert.equal(0, view.server)
        view = connect({}, {keepAlive = true})
        assert.equal(0, view.client)
        assert.equal(keep_alive_timer, view.server)
    end)

    it("noDelay is on unless told otherwise", function()
        local view = connect({}, {})
        assert.is_true(view.client_no_delay)
        assert.is_true(view.server_no_delay)
        view = connect({noDelay = false}, {noDelay = false})
        assert.is_false(view.client_no_delay)
        assert.is_false(view.server_no_delay)
    end)

    it("must have the right types", function()
        for name, value in pairs{keepAlive = 1, noDelay = "x", keepAliveInitialDelay = "x"} do
            for _, make in ipairs{http2.createServer, http2.createSecureServer, function(options)
                http2.connect("http://127.0.0.1:1", options)
            end} do
                local ok, err = pcall(make, {[name] = value})
                assert.is_false(ok, name)
                assert.equal("ERR_INVALID_ARG_TYPE", err.code)
            end
        end
    end)
end)
