-- TLS sockets of http2.net.
local http2 = require("http2")
local net = require("http2.net")
local loop = require("spec.support.loop")
local cert = require("spec.support.cert")

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
