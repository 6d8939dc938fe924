-- Sessions of TLS that the program keeps itself, for clients without tickets, and what it is asked
-- of its certificate: the events that Http2SecureServer has of the TLS servers of Node.
local http2 = require("http2")
local cert = require("spec.support.cert")
local loop = require("spec.support.loop")
local process = require("spec.support.process")
local timers = require("http2.timers")

-- What OpenSSL's client says that connects to a server which `prepare` has set up.
local function s_client(prepare, word, handshake_timeout)
    local said
    local server = loop.track(http2.createSecureServer{
        key = cert.read("server.key"), cert = cert.read("server.crt"),
        handshakeTimeout = handshake_timeout,
    })
    prepare(server)
    server:listen(0, "127.0.0.1", function()
        local client = process.start{"openssl", "s_client", "-connect",
            "127.0.0.1:" .. server:address().port, "-CAfile", cert.path("ca.crt"), "-alpn", "h2",
            "-tls1_2", "-no_ticket", word}
        local poll
        poll = timers.setInterval(function()
            if not client:is_alive() then
                timers.clearInterval(poll)
                said = client:output()
                client:stop()
                server:close()
            end
        end, 5)
    end)
    loop.run(60)
    return said
end

local function count(text, pattern)
    return select(2, text:gsub(pattern, ""))
end

describe("a secure server", function()
    after_each(loop.clean)

    local function later(fn, ...)
        timers.setTimeout(fn, 5, ...)
    end

    for name, call in pairs{["at once"] = pcall, later = later} do
        it("resumes the sessions that the program has kept, and tells it " .. name, function()
            local kept, log = {}, {}
            local said = s_client(function(server)
                server:on("newSession", function(id, data, callback)
                    log[#log + 1] = "new"
                    kept[id] = data
                    call(callback)
                end)
                server:on("resumeSession", function(id, callback)
                    log[#log + 1] = kept[id] and "known" or "unknown"
                    call(callback, nil, kept[id])
                end)
                server:on("secureConnection", function(socket)
                    log[#log + 1] = "secure " .. tostring(socket:isSessionReused())
                end)
            end, "-reconnect")
            assert.equal(5, count(said, "Reused, TLSv1.2"), said)
            table.sort(log) -- the client does not wait for the server's events
            assert.equal(("known "):rep(5) .. "new secure false" .. (" secure true"):rep(5),
                table.concat(log, " "))
        end)
    end

    it("makes a new session where the program has none, or another", function()
        local asked = 0
        local said = s_client(function(server)
            local other
            server:on("newSession", function(_, data, callback)
                other = other or data
                callback()
                callback() -- has no effect
            end)
            server:on("resumeSession", function(_, callback)
                asked = asked + 1
                callback(nil, ({nil, "no session", other:sub(1, -2)})[asked])
                callback(nil, other)
            end)
        end, "-reconnect")
        assert.equal(5, asked)
        assert.equal(0, count(said, "Reused, TLSv1.2"), said)
        assert.equal(6, count(said, "New, TLSv1.2"), said)
    end)

    it("tells nothing of sessions to a program that does not listen", function()
        local said = s_client(function() end, "-reconnect")
        assert.equal(6, count(said, "New, TLSv1.2"), said)
    end)

    it("refuses the connection when the program says so", function()
        for _, event in ipairs{"resumeSession", "OCSPRequest"} do
            local told
            s_client(function(server)
                server:on("newSession", function(_, _, callback) callback() end)
                server:on(event, function(...)
                    select(select("#", ...), ...)("not you")
                end)
                server:on("tlsClientError", function(err) told = err end)
            end, event == "OCSPRequest" and "-status" or "-reconnect")
            assert.equal("not you", told.message)
        end
    end)

    it("asks for what OCSP says, when a client wants to know, and goes on", function()
        local certificate, issuer, is_answered
        local said = s_client(function(server)
            server:on("OCSPRequest", function(der, ca, callback)
                certificate, issuer = der, ca
                later(function()
                    is_answered = true
                    callback(nil, "a response")
                end)
            end)
            server:on("secureConnection", function() assert.is_true(is_answered) end)
        end, "-status")
        assert.equal("0\x82", certificate:sub(1, 2))
        assert.is_nil(issuer)
        assert.truthy(said:find("New, TLSv1.2", 1, true), said)
    end)

    it("gives up a connection whose session is never stored", function()
        local callback, told
        s_client(function(server)
            server:on("newSession", function(_, _, fn) callback = fn end)
            server:on("tlsClientError", function(err) told = err end)
        end, nil, 200)
        assert.equal("ERR_TLS_HANDSHAKE_TIMEOUT", told.code)
        callback()
        assert.is_false(http2.run("nowait"))
    end)

    it("raises for what is no session", function()
        local codes = {}
        s_client(function(server)
            server:on("newSession", function(_, _, callback) callback() end)
            server:on("resumeSession", function(_, callback)
                local ok, err = pcall(callback, nil, 1)
                codes[#codes + 1] = not ok and err.code
                callback()
            end)
        end, "-reconnect")
        assert.equal("ERR_INVALID_ARG_TYPE", codes[1])
        assert.equal(5, #codes)
    end)
end)
