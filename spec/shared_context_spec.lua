-- What clients of TLS have in common: those whose options are equal share what was read for them.
local http2 = require("http2")
local cert = require("spec.support.cert")
local loop = require("spec.support.loop")
local process = require("spec.support.process")
local rawpeer = require("spec.support.rawpeer")

-- Connects with one options table after the other, each its own; prints what became of each. The
-- system's store, which is a file of the spec's, is gone after the first.
local store_program = [[
local http2 = require("http2")
local certificates, store = arg[1], arg[2]
local function read(name)
    local file = assert(io.open(certificates .. "/" .. name, "rb"))
    local content = file:read("*a")
    file:close()
    return content
end
local server = http2.createSecureServer{key = read("server.key"), cert = read("server.crt")}
server:on("sessionError", function() end)
server:listen(0, "127.0.0.1")
local function ask(options)
    local outcome
    local session = http2.connect("https://localhost:" .. server:address().port, options)
    session:on("error", function(err) outcome = err.code end)
    session:on("connect", function()
        outcome = "connected"
        session:close()
    end)
    session:on("close", function() session = nil end)
    while session do
        http2.run("once")
    end
    print(outcome)
end
while not server.listening do
    http2.run("once")
end
ask{}
os.remove(store)
ask{}
ask{rejectUnauthorized = true}
ask{servername = "localhost"}
ask{maxVersion = "TLSv1.2", ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"}
ask{ca = read("ca.crt")}
ask{ca = read("other-ca.crt")}
ask{}
server:close()
]]

-- Holds 50 sessions that trust many authorities; prints by how many KiB the process has grown.
local memory_program = [[
local http2 = require("http2")
local leaks = require("spec.support.leaks")
local certificates = arg[1]
local function read(name)
    local file = assert(io.open(certificates .. "/" .. name, "rb"))
    local content = file:read("*a")
    file:close()
    return content
end
local server = http2.createSecureServer{key = read("server.key"), cert = read("server.crt")}
server:listen(0, "127.0.0.1")
while not server.listening do
    http2.run("once")
end
local ca = read("ca.crt")
local sessions, connected = {}, 0
local function hold(number)
    for _ = 1, number do
        sessions[#sessions + 1] = http2.connect("https://localhost:" .. server:address().port,
            {ca = {ca:rep(500), ca}})
        sessions[#sessions]:on("connect", function() connected = connected + 1 end)
    end
    while connected < #sessions do
        http2.run("once")
    end
end
hold(1)
local before = leaks.resident()
hold(50)
print(leaks.has_grown(before, 20 * 1024) and leaks.resident() - before or "little")
for _, session in ipairs(sessions) do
    session:close()
end
server:close()
http2.run()
]]

local function run(program, env, ...)
    local folder = process.folder()
    finally(function() process.remove(folder) end)
    process.write_file(folder .. "/program.lua", program)
    local store = folder .. "/store.crt"
    process.write_file(store, cert.read("ca.crt"))
    local certificates = cert.path("ca.crt"):match("^(.*)/")
    local result = process.run({process.interpreter(), folder .. "/program.lua", certificates,
        store, ...}, {ours = true, env = env and env(store)})
    assert.equal(0, result.status, result.err)
    return result.out
end

describe("clients of TLS", function()
    after_each(loop.clean)

    it("share the system's trusted certificates where their options are equal", function()
        local said = run(store_program, function(store) return {SSL_CERT_FILE = store} end)
        assert.equal(table.concat({
            "connected", "connected", "connected", "connected",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE", -- made anew, of a store that is gone
            "connected", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "connected", "",
        }, "\n"), said)
    end)

    it("hold the certificates of `ca` once, whatever their number", function()
        assert.equal("little\n", run(memory_program))
    end)

    it("have each its own check of the name, and its own session", function()
        local server = loop.track(http2.createSecureServer{
            key = cert.read("server.key"), cert = cert.read("server.crt"),
        })
        server:listen(0, "127.0.0.1")
        assert(rawpeer.turn_until(function() return server.listening or nil end))
        local function connect(name, options)
            options.ca, options.servername = cert.read("ca.crt"), name
            local session = loop.track(
                http2.connect("https://127.0.0.1:" .. server:address().port, options))
            local outcome
            session:on("error", function(err) outcome = outcome or err.code end)
            session:on("connect", function() outcome = "connected" end)
            return assert(rawpeer.turn_until(function() return outcome end)), session
        end
        local function accept() end
        assert.equal("connected", (connect("wrong.example", {checkServerIdentity = accept})))
        assert.equal("ERR_TLS_CERT_ALTNAME_INVALID", (connect("wrong.example", {})))
        local outcome, session = connect("localhost", {})
        assert.equal("connected", outcome)
        assert.is_false(session.socket.isSessionReused())
        outcome, session = connect("localhost", {})
        assert.equal("connected", outcome)
        assert.is_false(session.socket.isSessionReused())
    end)

    it("raise at the caller for a `ca` that is none, as often as they are given it", function()
        for _ = 1, 3 do
            local ok, err = pcall(http2.connect, "https://localhost:1", {ca = "no certificate"})
            assert.is_false(ok)
            assert.equal("ERR_OSSL_PEM_NO_START_LINE", err.code)
        end
    end)
end)
