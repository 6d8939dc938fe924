-- Members and events of servers, plain and secure.
local http2 = require("http2")
local cert = require("spec.support.cert")
local frames = require("spec.support.frames")
local ipv6 = require("spec.support.ipv6")
local loop = require("spec.support.loop")
local net = require("http2.net")
local pair = require("spec.support.pair")
local raised_code = require("spec.support.raised")
local rawpeer = require("spec.support.rawpeer")
local timers = require("http2.timers")

local function keys_of(name)
    return {key = cert.read(name .. ".key"), cert = cert.read(name .. ".crt")}
end

local function merge(into, from)
    for key, value in pairs(from or {}) do
        into[key] = value
    end
    return into
end

local function secure_server(options)
    local server = loop.track(http2.createSecureServer(merge(keys_of("server"), options)))
    server:on("stream", function(stream)
        stream:respond()
        stream:finish(stream.session.socket.servername or "no name")
    end)
    server:listen(0, "127.0.0.1")
    return server, rawpeer.port_of(server)
end

-- Asks a secure server once: gives {body} or {err}.
local function ask(port, options)
    local view, closed = {}, false
    local session = http2.connect("https://127.0.0.1:" .. port,
        merge({ca = cert.read("ca.crt"), servername = "localhost"}, options))
    session:on("error", function(err)
        view.err = err
    end)
    session:on("close", function()
        closed = true
    end)
    local stream = session:request()
    stream:on("error", function() end)
    pair.collect(stream, function(body)
        view.body = body
        view.resumed = session.socket.isSessionReused()
        session:close()
    end)
    assert(rawpeer.turn_until(function() return closed or nil end), "no answer")
    return view
end

describe("a server's connection event", function()
    after_each(loop.clean)

    it("comes after the session event, with the session's socket", function()
        local events, told = {}, nil
        local server = loop.track(http2.createServer())
        pair.log(events, "", server, {"session", "connection"})
        server:on("connection", function(connection)
            told = connection
            connection:on("close", function()
                events[#events + 1] = "close"
            end)
        end)
        server:listen(0, "127.0.0.1")
        local peer = rawpeer.connect(rawpeer.port_of(server))
        assert.same({"session", "connection"}, events)
        assert.equal("127.0.0.1", told.remoteAddress)
        assert.is_true(told.bytesRead > 0)
        peer:close()
        assert(rawpeer.turn_until(function() return events[3] end))
    end)

    it("lets the program close the connection", function()
        local server = loop.track(http2.createServer())
        server:on("connection", function(connection)
            connection:destroy()
        end)
        server:listen(0, "127.0.0.1")
        rawpeer.open(rawpeer.port_of(server)):await_end()
    end)

    it("of a secure server has the socket beneath TLS", function()
        local events = {}
        local server, port = secure_server()
        pair.log(events, "", server, {"connection", "session", "secureConnection"})
        local raw, secured
        server:on("connection", function(connection)
            raw = connection
        end)
        server:on("secureConnection", function(connection)
            secured = connection
        end)
        assert.equal("localhost", ask(port).body)
        assert.same({"connection", "session", "secureConnection"}, events)
        assert.is_nil(raw.encrypted)
        assert.is_true(secured.encrypted)
        assert.equal("h2", secured.alpnProtocol)
        assert(rawpeer.turn_until(function() return raw.closed and secured.closed or nil end))
    end)
end)

describe("a server's maxConnections", function()
    after_each(loop.clean)

    it("drops what is above it, and tells", function()
        local server = loop.track(http2.createServer())
        local dropped = {}
        server.maxConnections = 1
        server:on("drop", function(data)
            dropped[#dropped + 1] = data
        end)
        server:listen(0, "127.0.0.1")
        local port = rawpeer.port_of(server)
        local first = rawpeer.connect(port)
        rawpeer.open(port):await_end()
        assert.equal("127.0.0.1", dropped[1].remoteAddress)
        assert.equal("IPv4", dropped[1].remoteFamily)
        assert.equal(port, dropped[1].localPort)
        first:await_pong()
        first:close()
        local count
        assert(rawpeer.turn_until(function()
            server:getConnections(function(_, open)
                count = open
            end)
            return count == 0 or nil
        end))
        rawpeer.connect(port):await_pong()
        assert.equal(1, #dropped)
    end)
end)

describe("a server", function()
    after_each(loop.clean)

    it("listens in all forms", function()
        local path = os.tmpname()
        os.remove(path)
        local forms = {
            {0}, {0, "127.0.0.1"}, {0, "127.0.0.1", 5}, {path}, {{path = path}}, {},
        }
        if ipv6.is_here() then
            forms[#forms + 1] = {{port = 0, host = "::1"}}
            forms[#forms + 1] = {{port = 0, ipv6Only = true}}
        end
        for at, form in ipairs(forms) do
            local server = loop.track(http2.createServer())
            local listening
            form[#form + 1] = function()
                listening = true
            end
            assert.equal(server, server:listen(table.unpack(form)), "form " .. at)
            assert.equal("ERR_SERVER_ALREADY_LISTEN", raised_code(server.listen, server, 0))
            assert(rawpeer.turn_until(function() return listening end), "form " .. at)
            assert.is_true(server.listening)
            local closed
            server:close(function()
                closed = true
            end)
            assert(rawpeer.turn_until(function() return closed end), "form " .. at)
        end
    end)

    it("shares a port with another by reusePort", function()
        local first = loop.track(http2.createServer())
        first:listen{port = 0, host = "127.0.0.1", reusePort = true}
        local port = rawpeer.port_of(first)
        local second = loop.track(http2.createServer())
        second:listen{port = port, host = "127.0.0.1", reusePort = true}
        assert.equal(port, rawpeer.port_of(second))
        local third, err = loop.track(http2.createServer()), nil
        third:on("error", function(e)
            err = e
        end)
        third:listen{port = port, host = "127.0.0.1"}
        assert(rawpeer.turn_until(function() return err end))
        assert.equal("EADDRINUSE", err.code)
    end)

    it("may listen again after it has closed", function()
        local server = loop.track(http2.createServer())
        for _ = 1, 2 do
            local closed
            server:listen(0, "127.0.0.1")
            rawpeer.connect(rawpeer.port_of(server)):close()
            server:close(function()
                closed = true
            end)
            assert(rawpeer.turn_until(function() return closed end))
        end
        local err
        server:close(function(e)
            err = e
        end)
        assert(rawpeer.turn_until(function() return err end))
        assert.equal("ERR_SERVER_NOT_RUNNING", err.code)
    end)
end)

describe("a secure server", function()
    after_each(loop.clean)

    it("tells of a handshake that fails, with the socket", function()
        local server, port = secure_server()
        local told = {}
        server:on("tlsClientError", function(err, connection)
            told[#told + 1] = {"tlsClientError", err, connection}
        end)
        server:on("clientError", function(err, connection)
            told[#told + 1] = {"clientError", err, connection}
        end)
        local peer = rawpeer.open(port)
        peer.socket:send("GET / HTTP/1.1\r\n\r\n")
        peer:await_end()
        assert(rawpeer.turn_until(function() return told[2] end))
        assert.equal("tlsClientError", told[1][1])
        assert.equal("clientError", told[2][1])
        assert.equal(told[1][2], told[2][2])
        assert.equal(told[1][3], told[2][3])
        assert.equal("127.0.0.1", told[1][3].remoteAddress)
        assert.truthy(told[1][2].code:find("^ERR_SSL"), told[1][2].code)
    end)

    it("gives a handshake so much time", function()
        local server, port = secure_server{handshakeTimeout = 100}
        local err
        server:on("tlsClientError", function(e)
            err = e
        end)
        rawpeer.open(port):await_end()
        assert.equal("ERR_TLS_HANDSHAKE_TIMEOUT", err.code)
    end)

    -- A TLS client that asks for no protocol, and what it is told.
    local function ask_without_alpn(port)
        local told, closed = {}, false
        local client = net.tls.connect{
            port = port, host = "127.0.0.1", servername = "localhost", ca = cert.read("ca.crt"),
            ALPNProtocols = {},
        }
        client:on("data", function(octets)
            told[#told + 1] = octets
        end)
        client:on("error", function() end)
        client:on("close", function()
            closed = true
        end)
        assert(rawpeer.turn_until(function() return closed or nil end))
        return table.concat(told)
    end

    it("answers a client of another protocol, if nobody else does", function()
        local _, port = secure_server()
        assert.truthy(ask_without_alpn(port):find("^HTTP/1.0 403 "))
    end)

    it("hands a client of another protocol to unknownProtocol", function()
        local server, port = secure_server()
        server:on("unknownProtocol", function(connection)
            assert.is_false(connection.alpnProtocol)
            assert.equal("localhost", connection.servername)
            connection:resume()
            connection:finish("something else")
        end)
        assert.equal("something else", ask_without_alpn(port))
        assert(rawpeer.turn_until(function()
            local count
            server:getConnections(function(_, n)
                count = n
            end)
            http2.run("nowait")
            return count == 0 or nil
        end))
    end)

    it("ends such a client after unknownProtocolTimeout", function()
        local server, port = secure_server{unknownProtocolTimeout = 100}
        server:on("unknownProtocol", function() end)
        assert.equal("", ask_without_alpn(port)) -- who waits for less than the 10 s of the default
    end)

    it("writes a key log", function()
        local server, port = secure_server()
        local lines = {}
        server:on("keylog", function(line, connection)
            lines[#lines + 1] = line
            assert.equal("127.0.0.1", connection.remoteAddress)
        end)
        ask(port)
        assert.is_true(#lines > 0)
        for _, line in ipairs(lines) do
            assert.truthy(line:find("^[A-Z_0-9]+ %x+ %x+\n$"), line)
        end
    end)

    it("has certificates for further hosts", function()
        local server, port = secure_server()
        server:addContext("other.example", keys_of("wrong-name"))
        assert.equal("other.example", ask(port, {servername = "other.example"}).body)
        assert.equal("localhost", ask(port).body)
        assert.is_truthy(ask(port, {servername = "third.example"}).err)
    end)

    it("changes its certificate while it listens", function()
        local server, port = secure_server(keys_of("stranger"))
        server:addContext("other.example", keys_of("wrong-name"))
        assert.is_truthy(ask(port).err)
        server:setSecureContext(keys_of("server"))
        assert.equal("localhost", ask(port).body)
        assert.equal("other.example", ask(port, {servername = "other.example"}).body)
    end)

    it("shares the keys of its tickets", function()
        local first, first_port = secure_server()
        local second, second_port = secure_server()
        local keys = first:getTicketKeys()
        assert.equal(48, #keys)
        assert.not_equal(keys, second:getTicketKeys())
        second:setTicketKeys(keys)
        assert.equal(keys, second:getTicketKeys())
        local ticket
        local client = net.tls.connect{
            port = first_port, host = "127.0.0.1", servername = "localhost",
            ca = cert.read("ca.crt"), ALPNProtocols = {"h2"},
        }
        client:on("data", function()
            ticket = ticket or client:getSession()
        end)
        assert(rawpeer.turn_until(function() return ticket end))
        client:destroy()
        assert.is_false(ask(second_port).resumed)
        assert.is_true(ask(second_port, {session = ticket}).resumed)
        second:setTicketKeys(("k"):rep(48))
        second:setTicketKeys(("l"):rep(48))
        assert.is_false(ask(second_port, {session = ticket}).resumed)
    end)

    it("asks SNICallback, who may take its time", function()
        local context = net.tls.createSecureContext(keys_of("wrong-name"))
        local _, port = secure_server{SNICallback = function(servername, done)
            timers.setTimeout(function()
                if servername == "other.example" then
                    done(nil, context)
                else
                    done()
                end
            end, 20)
        end}
        assert.equal("other.example", ask(port, {servername = "other.example"}).body)
        assert.equal("localhost", ask(port).body)
    end)

    it("refuses whom SNICallback refuses, or where it fails", function()
        local errors = {}
        local server, port = secure_server{SNICallback = function(servername, done)
            if servername == "localhost" then
                done("not here")
            else
                error("it broke", 0)
            end
        end}
        server:on("tlsClientError", function(err)
            errors[#errors + 1] = err.message
        end)
        assert.is_truthy(ask(port).err)
        assert.is_truthy(ask(port, {servername = "other.example"}).err)
        assert.equal("not here", errors[1])
        assert.truthy(errors[2]:find("it broke", 1, true))
    end)

    it("lets ALPNCallback choose", function()
        local offers = {}
        local server, port = secure_server{ALPNCallback = function(offer)
            offers[#offers + 1] = offer
            if offer.servername == "localhost" then
                return "h2"
            end
            return offer.servername == "other.example" and "h3" or nil
        end}
        server:addContext("other.example", keys_of("wrong-name"))
        local codes = {}
        server:on("tlsClientError", function(err)
            codes[#codes + 1] = err.code
        end)
        assert.equal("localhost", ask(port).body)
        assert.same({servername = "localhost", protocols = {"h2"}}, offers[1])
        assert.is_truthy(ask(port, {servername = "other.example"}).err)
        assert.is_truthy(ask(port, {servername = "third.example"}).err)
        assert.same({"ERR_TLS_ALPN_CALLBACK_INVALID_RESULT", "ERR_SSL_NO_APPLICATION_PROTOCOL"},
            codes)
    end)

    it("refuses wrong arguments", function()
        local server = http2.createSecureServer(keys_of("server"))
        local keys = server:getTicketKeys()
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(server.addContext, server, 1, {}))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(server.addContext, server, "a"))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(server.setSecureContext, server))
        assert.equal("ERR_INVALID_ARG_TYPE", raised_code(server.setTicketKeys, server, 48))
        assert.equal("ERR_INVALID_ARG_VALUE", raised_code(server.setTicketKeys, server, "short"))
        assert.equal(keys, server:getTicketKeys())
        assert.equal("ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS", raised_code(http2.createSecureServer,
            merge(keys_of("server"), {ALPNCallback = print, ALPNProtocols = {"h2"}})))
        assert.equal("ERR_HTTP2_INVALID_ORIGIN", raised_code(http2.createSecureServer,
            merge(keys_of("server"), {origins = {"data:x"}})))
    end)
end)

describe("http2.connect over TLS", function()
    after_each(loop.clean)

    it("asks checkServerIdentity instead of comparing names", function()
        local asked = {}
        local _, port = secure_server()
        local function check(verdict)
            return {servername = "nowhere.example", checkServerIdentity = function(name, peer)
                asked[#asked + 1] = {name, #peer.raw}
                return verdict
            end}
        end
        assert.is_truthy(ask(port, {servername = "nowhere.example"}).err)
        assert.equal("nowhere.example", ask(port, check(nil)).body)
        local view = ask(port, check("not mine"))
        assert.equal("not mine", view.err.message)
        assert.equal("nowhere.example", asked[1][1])
        assert.is_true(asked[1][2] > 100)
    end)

    it("uses options.lookup for names", function()
        local server, port = secure_server()
        local asked, body, err
        assert.is_truthy(server)
        local session = loop.track(http2.connect("https://localhost.example:" .. port, {
            ca = cert.read("ca.crt"), servername = "localhost",
            lookup = function(name, options, done)
                asked = {name, options.family}
                timers.setTimeout(function()
                    done(nil, {{address = "127.0.0.1", family = 4}})
                end, 5)
            end,
        }))
        pair.collect(session:request(), function(octets)
            body = octets
        end)
        assert(rawpeer.turn_until(function() return body end))
        assert.same({"localhost.example", 0}, asked)
        local failing = loop.track(http2.connect("https://localhost.example:" .. port, {
            lookup = function(_, _, done)
                done("no such name")
            end,
        }))
        failing:on("error", function(e)
            err = e
        end)
        assert(rawpeer.turn_until(function() return err end))
        assert.equal("no such name", err.message)
    end)
end)

describe("GOAWAY of a draining server", function()
    after_each(loop.clean)

    it("reaches sessions that come out of a handshake late", function()
        local is_asked, closed
        local server, port = secure_server{SNICallback = function(_, done)
            is_asked = true
            timers.setTimeout(done, 150)
        end}
        local session = loop.track(http2.connect("https://localhost:" .. port,
            {ca = cert.read("ca.crt")}))
        local goaway
        session:on("goaway", function(code)
            goaway = code
        end)
        assert(rawpeer.turn_until(function() return is_asked end))
        server:close({grace = 2000}, function()
            closed = true
        end)
        assert(rawpeer.turn_until(function() return closed end))
        assert.equal(frames.errors.NO_ERROR, goaway)
    end)
end)
