local http2 = require("http2")
local cert = require("spec.support.cert")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local process = require("spec.support.process")

local function hello(stream)
    stream:respond()
    stream:finish("hello")
end

local function keys_of(name)
    return {key = cert.read(name .. ".key"), cert = cert.read(name .. ".crt")}
end

-- One request to a server with the keys of `name`. Gives what came of it, {body} or {err}, and
-- facts of the client's session.
local function request(name, client_options, server_options)
    local view = {}
    local options = keys_of(name)
    for key, value in pairs(server_options or {}) do
        options[key] = value
    end
    local server
    server = pair.serve({tls = true, server_options = options}, function(port)
        local host = client_options.host or "localhost"
        local session = loop.track(
            http2.connect(("https://%s:%d"):format(host, port), client_options))
        session:on("connect", function()
            view.encrypted, view.alpn = session.encrypted, session.alpnProtocol
            view.authorized = session.socket.authorized
            view.reason = session.socket.authorizationError
        end)
        session:on("error", function(err)
            view.err = err
        end)
        session:on("close", function()
            view.closed = true
            server:close()
        end)
        local stream = session:request()
        stream:on("error", function(err)
            view.stream_err = err
        end)
        pair.collect(stream, function(body)
            view.body = body
            session:close()
        end)
    end)
    server:on("stream", hello)
    server:on("tlsClientError", function(err)
        view.server_err = err
    end)
    loop.run()
    return view
end

local function assert_refused(view, code)
    assert.is_nil(view.body)
    assert.is_true(view.closed)
    assert.equal(code, view.err.code, view.err.message)
    assert.equal("ERR_HTTP2_STREAM_CANCEL", view.stream_err.code)
    assert.equal(view.err, view.stream_err.cause)
end

describe("a TLS client", function()
    after_each(loop.clean)

    it("accepts a certificate of the authority it trusts, and speaks h2", function()
        local view = request("server", {ca = cert.read("ca.crt")})
        assert.equal("hello", view.body, tostring(view.err))
        assert.is_true(view.encrypted)
        assert.is_true(view.authorized)
        assert.equal("h2", view.alpn)
    end)

    it("accepts an address that the certificate names", function()
        local view = request("server", {ca = cert.read("ca.crt"), host = "127.0.0.1"})
        assert.equal("hello", view.body, tostring(view.err))
    end)

    it("accepts several authorities", function()
        local view = request("server", {ca = {cert.read("other-ca.crt"), cert.read("ca.crt")}})
        assert.equal("hello", view.body, tostring(view.err))
    end)

    it("refuses a certificate for another name", function()
        assert_refused(request("wrong-name", {ca = cert.read("ca.crt")}),
            "ERR_TLS_CERT_ALTNAME_INVALID")
    end)

    it("goes by servername, where it is given", function()
        local view = request("wrong-name",
            {ca = cert.read("ca.crt"), servername = "other.example"})
        assert.equal("hello", view.body, tostring(view.err))
    end)

    it("refuses a certificate that has expired", function()
        assert_refused(request("expired", {ca = cert.read("ca.crt")}), "CERT_HAS_EXPIRED")
    end)

    it("refuses a certificate of an authority it does not know", function()
        local view = request("stranger", {ca = cert.read("ca.crt")})
        assert.is_nil(view.body)
        assert.truthy(({
            UNABLE_TO_GET_ISSUER_CERT_LOCALLY = true,
            UNABLE_TO_VERIFY_LEAF_SIGNATURE = true,
            SELF_SIGNED_CERT_IN_CHAIN = true,
        })[view.err.code], view.err.code)
    end)

    it("refuses a certificate that its authority has revoked", function()
        local options = {ca = cert.read("ca.crt"), crl = cert.read("ca.crl")}
        assert_refused(request("revoked", options), "CERT_REVOKED")
        assert.equal("hello", request("server", options).body)
        options.crl = nil
        assert.equal("hello", request("revoked", options).body)
    end)

    it("verifies against the system's authorities when it is given none", function()
        local view = request("server", {})
        assert.is_nil(view.body)
        assert.is_truthy(view.err)
    end)

    it("accepts anything at rejectUnauthorized = false, and tells why it should not", function()
        local view = request("expired", {ca = cert.read("ca.crt"), rejectUnauthorized = false})
        assert.equal("hello", view.body, tostring(view.err))
        assert.is_false(view.authorized)
        assert.is_truthy(view.reason)
    end)

    it("says that the server does not speak h2", function()
        local peer, port = process.start_on_ports(1, function(port)
            return {
                "openssl", "s_server", "-accept", tostring(port), "-alpn", "http/1.1", "-quiet",
                "-cert", cert.path("server.crt"), "-key", cert.path("server.key"),
            }
        end)
        finally(function() peer:stop() end)
        local err
        local session = loop.track(
            http2.connect("https://localhost:" .. port, {ca = cert.read("ca.crt")}))
        session:on("error", function(e)
            err = e
        end)
        loop.run()
        assert.is_truthy(err)
        assert.truthy(err.message:lower():find("alpn") or err.message:lower():find("protocol"),
            err.message)
    end)
end)

describe("a TLS server", function()
    after_each(loop.clean)

    local function require_certificate()
        return {requestCert = true, rejectUnauthorized = true, ca = cert.read("ca.crt")}
    end

    it("accepts the client certificate it asks for", function()
        local options = keys_of("client")
        options.ca = cert.read("ca.crt")
        local view = request("server", options, require_certificate())
        assert.equal("hello", view.body, tostring(view.err))
    end)

    it("refuses a client without the certificate it requires", function()
        local view = request("server", {ca = cert.read("ca.crt")}, require_certificate())
        assert.is_nil(view.body)
        assert.is_truthy(view.err)
        assert.is_truthy(view.server_err)
    end)

    it("refuses a client certificate of another authority", function()
        local options = keys_of("stranger")
        options.ca = cert.read("ca.crt")
        local view = request("server", options, require_certificate())
        assert.is_nil(view.body)
        assert.is_truthy(view.err)
    end)

    it("refuses a client certificate that its authority has revoked", function()
        local function ask(name, crl)
            local options, required = keys_of(name), require_certificate()
            options.ca, required.crl = cert.read("ca.crt"), crl
            return request("server", options, required)
        end
        local view = ask("revoked", {cert.read("other-ca.crl"), cert.read("ca.crl")})
        assert.is_nil(view.body)
        assert.is_truthy(view.err)
        assert.equal("CERT_REVOKED", view.server_err.code)
        assert.equal("hello", ask("client", cert.read("ca.crl")).body)
        assert.equal("hello", ask("revoked").body)
    end)

    it("raises for a list of what is revoked that is none", function()
        local options = keys_of("server")
        for _, crl in ipairs{"no list", {cert.read("ca.crl"), "no list"}} do
            options.crl = crl
            local ok, err = pcall(http2.createSecureServer, options)
            assert.is_false(ok)
            assert.equal("ERR_CRYPTO_OPERATION_FAILED", err.code)
        end
    end)

    it("raises for a key that is none", function()
        local ok, err = pcall(http2.createSecureServer,
            {key = "not a key", cert = cert.read("server.crt")})
        assert.is_false(ok)
        assert.is_true(http2.isError(err))
    end)

    it("raises for a key that does not belong to the certificate", function()
        local ok, err = pcall(http2.createSecureServer,
            {key = cert.read("client.key"), cert = cert.read("server.crt")})
        assert.is_false(ok)
        assert.is_true(http2.isError(err))
    end)
end)

-- What a client of another make is told, by its own words.
describe("a TLS server's handshake", function()
    local server, port

    setup(function()
        server, port = process.start_server("spec/support/test_server.lua", {"tls"})
    end)

    teardown(function()
        server:stop()
    end)

    local function s_client(...)
        local result = process.run({
            "openssl", "s_client", "-connect", "127.0.0.1:" .. port, "-CAfile",
            cert.path("ca.crt"), "-verify_return_error", ...,
        })
        return result.out .. result.err
    end

    it("chooses h2 out of what is offered", function()
        local said = s_client("-alpn", "http/1.1,h2")
        assert.truthy(said:find("ALPN protocol: h2", 1, true), said)
        assert.truthy(said:find("Verification: OK", 1, true), said)
    end)

    it("ends with no_application_protocol when h2 is not offered", function()
        local said = s_client("-alpn", "h3")
        assert.truthy(said:find("no application protocol", 1, true), said)
    end)

    it("refuses TLS 1.1", function()
        local said = s_client("-alpn", "h2", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        assert.falsy(said:find("ALPN protocol: h2", 1, true), said)
        assert.truthy(said:find("alert", 1, true), said)
    end)

    it("refuses the suites that RFC 9113 prohibits", function()
        for _, suite in ipairs{"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"} do
            local said = s_client("-alpn", "h2", "-tls1_2", "-cipher", suite)
            assert.truthy(said:find("handshake failure", 1, true), suite .. ": " .. said)
        end
    end)

    it("agrees on those that it recommends", function()
        for _, suite in ipairs{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"} do
            local said = s_client("-alpn", "h2", "-tls1_2", "-cipher", suite)
            assert.truthy(said:find("ALPN protocol: h2", 1, true), suite .. ": " .. said)
        end
    end)

    it("takes a ticket and resumes with it", function()
        local said = s_client("-alpn", "h2", "-tls1_2", "-reconnect")
        assert.truthy(said:find("Reused, TLSv1.2", 1, true), said)
    end)
end)
