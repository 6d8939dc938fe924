-- The options of TLS that say what is agreed on: curves, signatures, finite fields. The other side
-- is OpenSSL's, which tells what it came to.
local http2 = require("http2")
local cert = require("spec.support.cert")
local loop = require("spec.support.loop")
local net = require("http2.net")
local process = require("spec.support.process")
local rawpeer = require("spec.support.rawpeer")

local function with_keys(name, options)
    local all = {key = cert.read(name .. ".key"), cert = cert.read(name .. ".crt")}
    for key, value in pairs(options or {}) do
        all[key] = value
    end
    return all
end

-- What s_client with these words says of its handshake with a server of ours.
local function said_to(options, ...)
    local server = loop.track(http2.createSecureServer(options))
    server:on("tlsClientError", function() end)
    server:on("sessionError", function() end)
    server:listen(0, "127.0.0.1")
    local client = process.start{
        "openssl", "s_client", "-connect", "127.0.0.1:" .. rawpeer.port_of(server), "-CAfile",
        cert.path("ca.crt"), "-alpn", "h2", ...,
    }
    assert(rawpeer.turn_until(function() return not client:is_alive() or nil end))
    local said = client:output()
    client:stop()
    server:close()
    return said
end

local function assert_said(said, ...)
    for _, text in ipairs{...} do
        assert.truthy(said:find(text, 1, true), said)
    end
end

-- A client of ours at an s_server with these words: what that says, and what went wrong, if
-- anything did.
local function said_by_server(name, options, ...)
    local words = {...}
    local folder = process.folder()
    local server, port = process.start_on_ports(1, function(port)
        return { -- which ends with its standard input
            "sh", "-c", 'rm -f "$0" && mkfifo "$0" && exec 3<>"$0" && exec "$@" <&3',
            folder .. "/input", "openssl", "s_server", "-accept", tostring(port), "-cert",
            cert.path(name .. ".crt"), "-key", cert.path(name .. ".key"), "-alpn", "h2",
            table.unpack(words),
        }
    end)
    options.ca = cert.read("ca.crt")
    local view = {}
    local session = loop.track(http2.connect("https://localhost:" .. port, options))
    session:on("connect", function()
        view.cipher = session.socket.getCipher()
        view.is_over = true
    end)
    session:on("error", function(err)
        view.err, view.is_over = err, true
    end)
    assert(rawpeer.turn_until(function() return view.is_over end))
    if not view.err then -- the server waits on for what is never asked of it
        server:wait_for_output("CIPHER is")
    end
    session:destroy()
    view.said = server:output()
    server:stop()
    process.remove(folder)
    return view
end

local function assert_refused(code, options)
    local makers = {
        function() return http2.createSecureServer(options) end,
        function() return http2.connect("https://localhost:1", options) end,
        function() return net.tls.createSecureContext(options) end,
    }
    for _, make in ipairs(makers) do
        local ok, err = pcall(make)
        assert.is_false(ok)
        assert.equal(code, err.code, tostring(err))
        assert.truthy(err.where:find("tls_parameters_spec.lua", 1, true), err.where)
    end
end

describe("ecdhCurve", function()
    after_each(loop.clean)

    it("names the curves of a server, the preferred first", function()
        local options = with_keys("server", {ecdhCurve = "P-384:prime256v1"})
        assert_said(said_to(options, "-tls1_2", "-groups", "X25519:P-256:P-384"),
            "ECDH, secp384r1, 384 bits", "ALPN protocol: h2")
        assert_said(said_to(options, "-groups", "P-384:P-256"), "ECDH, secp384r1, 384 bits")
        assert_said(said_to(options, "-groups", "X25519:P-256"), "ECDH, prime256v1, 256 bits")
    end)

    it("leaves a client with none of them outside", function()
        local said = said_to(with_keys("server", {ecdhCurve = "P-384"}), "-groups", "P-256")
        assert_said(said, "alert handshake failure")
    end)

    it("is X25519 first when it is \"auto\" or not given", function()
        for _, curve in ipairs{"auto", false} do
            local said = said_to(with_keys("server", {ecdhCurve = curve or nil}), "-tls1_2",
                "-groups", "P-521:P-384:P-256:X25519")
            assert_said(said, "X25519, 253 bits")
        end
    end)

    it("names the curves that a client offers", function()
        local view = said_by_server("server", {ecdhCurve = "secp384r1:P-256"})
        assert.is_nil(view.err)
        assert_said(view.said, "Supported groups: secp384r1:secp256r1")
        view = said_by_server("server", {ecdhCurve = "P-256"}, "-groups", "P-384")
        assert.equal("ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", view.err.code)
    end)

    it("passes over what mbedTLS has not, and refuses what nobody knows", function()
        http2.createSecureServer(with_keys("server", {ecdhCurve = "ffdhe2048:P-256"})):close()
        for _, list in ipairs{"curve-of-mine", "X25519:curve-of-mine", "", ":", "X25519:",
            ":P-256", "P-256:P-256", "P-256:secp256r1", "x25519", "P-256 ", ("P"):rep(5000)} do
            assert_refused("ERR_CRYPTO_OPERATION_FAILED", with_keys("server", {ecdhCurve = list}))
        end
        assert_refused("ERR_INVALID_ARG_TYPE", with_keys("server", {ecdhCurve = 5}))
        assert_refused("ERR_INVALID_ARG_TYPE", with_keys("server", {ecdhCurve = false}))
    end)
end)

describe("sigalgs", function()
    after_each(loop.clean)

    it("names what a server signs with", function()
        local options = with_keys("server", {sigalgs = "ECDSA+SHA384", maxVersion = "TLSv1.2"})
        local said = said_to(options)
        assert_said(said, "Peer signing digest: SHA384")
        assert_said(said:match("Peer signature type: [^\n]+"):upper(), "ECDSA")
        options = with_keys("rsa", {sigalgs = "rsa_pkcs1_sha512", maxVersion = "TLSv1.2"})
        said = said_to(options)
        assert_said(said, "Peer signing digest: SHA512")
        assert_said(said:match("Peer signature type: [^\n]+"):upper(), "RSA")
    end)

    it("leaves a client that knows none of them outside", function()
        local options = with_keys("server", {sigalgs = "ECDSA+SHA384", maxVersion = "TLSv1.2"})
        assert_said(said_to(options, "-sigalgs", "ECDSA+SHA256"), "alert handshake failure")
    end)

    it("leaves a server without a key for any of them with nothing to say", function()
        local options = with_keys("rsa", {sigalgs = "ECDSA+SHA256", maxVersion = "TLSv1.2"})
        assert_said(said_to(options), "alert handshake failure")
    end)

    it("names what a client takes", function()
        local list = "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:RSA+SHA256"
        local view = said_by_server("server", {sigalgs = list, maxVersion = "TLSv1.2"})
        assert.is_nil(view.err)
        assert.falsy(view.said:match("\nSignature Algorithms: ([^\n]+)"):find("SHA384", 1, true))
        assert_said(view.said:match("\nSignature Algorithms: ([^\n]+)"), "ECDSA+SHA256",
            "RSA+SHA256")
        assert.is_nil(said_by_server("rsa", {sigalgs = list, maxVersion = "TLSv1.2"}).err)
        view = said_by_server("server", {sigalgs = "RSA+SHA256", maxVersion = "TLSv1.2"})
        assert.equal("ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", view.err.code)
        view = said_by_server("server", {sigalgs = "ECDSA+SHA512", maxVersion = "TLSv1.2"},
            "-sigalgs", "ECDSA+SHA256")
        assert.equal("ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", view.err.code)
    end)

    it("passes over what mbedTLS has not, and refuses what nobody knows", function()
        http2.createSecureServer(with_keys("server", {sigalgs = "ed25519:ECDSA+SHA256"})):close()
        for _, list in ipairs{"rot13", "ECDSA+SHA256:rot13", ":", "RSA+SHA256:", "rsa+sha256",
            "RSA+SHA256:RSA+SHA256", "RSA+MD5", "ed25519", "RSA+SHA1", ("R"):rep(5000)} do
            assert_refused("ERR_CRYPTO_OPERATION_FAILED", with_keys("server", {sigalgs = list}))
        end
        assert_refused("ERR_INVALID_ARG_VALUE", with_keys("server", {sigalgs = ""}))
        assert_refused("ERR_INVALID_ARG_TYPE", with_keys("server", {sigalgs = 5}))
    end)
end)

describe("dhparam", function()
    local suite = "DHE-RSA-AES128-GCM-SHA256"

    local function field(group)
        local made = process.run{"openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt",
            "group:" .. group}
        assert.equal(0, made.status, made.err)
        return made.out
    end

    after_each(loop.clean)

    it("is the field of a server's DHE suites", function()
        local options = with_keys("rsa", {ciphers = suite, maxVersion = "TLSv1.2"})
        options.dhparam = field("ffdhe3072")
        assert_said(said_to(options, "-cipher", suite), "DH, 3072 bits", "ALPN protocol: h2")
        options.dhparam = "auto"
        assert_said(said_to(options, "-cipher", suite), "DH, 2048 bits")
    end)

    it("has 2048 bits at least for HTTP/2, and 1024 elsewhere", function()
        local small = with_keys("rsa", {dhparam = field("modp_1536")})
        local ok, err = pcall(http2.createSecureServer, small)
        assert.is_false(ok)
        assert.equal("TypeError [ERR_INVALID_ARG_VALUE]: DH parameter is less than 2048 bits",
            tostring(err):match("TypeError.*"))
        net.tls.createSecureContext(small)
    end)

    it("is not taken by a client for HTTP/2 when it is smaller", function()
        local path = process.folder() .. "/dh.pem"
        local options = {ciphers = suite, maxVersion = "TLSv1.2"}
        process.write_file(path, field("modp_1536"))
        local weak = {"-dhparam", path, "-cipher", "DEFAULT:@SECLEVEL=0"}
        assert.is_truthy(said_by_server("rsa", options, table.unpack(weak)).err)
        process.write_file(path, field("ffdhe2048"))
        local view = said_by_server("rsa", options, table.unpack(weak))
        assert.is_nil(view.err)
        assert.equal(suite, view.cipher.name)
    end)

    it("is refused when it cannot be read", function()
        for _, text in ipairs{"no PEM", field("ffdhe2048"):sub(1, 100), {"a"}} do
            assert_refused("ERR_CRYPTO_OPERATION_FAILED", with_keys("rsa", {dhparam = text}))
        end
        assert_refused("ERR_INVALID_ARG_TYPE", with_keys("rsa", {dhparam = 5}))
    end)
end)
