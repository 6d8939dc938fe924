--- Checks of the options in spec/support/contract.lua: `options[owner][name]` is a function that
--- fails unless the option is known: most by what they refuse, the others by what they do.
local http2 = require("http2")
local cert = require("spec.support.cert")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local rawpeer = require("spec.support.rawpeer")

local options = {}

-- ----------------------------------------------------------------- who takes which options

local function secure(given)
    given.key, given.cert = cert.read("server.key"), cert.read("server.crt")
    return http2.createSecureServer(given)
end

local function connect(given)
    return loop.track(http2.connect("http://127.0.0.1:1", given)):on("error", function() end)
end

-- A server's stream, given to `fn`; what it raises is raised here.
local function with_stream(fn)
    local ok, err
    pair.play{
        server = function(server)
            server:on("stream", function(stream)
                ok, err = pcall(fn, stream)
                stream:close()
            end)
        end,
        client = function(session)
            session:request():on("close", function() session:close() end):resume()
        end,
    }
    assert(ok, err)
end

local takers = {
    ["options:createServer"] = http2.createServer,
    ["options:createSecureServer"] = secure,
    ["options:connect"] = connect,
    ["options:request"] = function(given)
        local session = connect()
        local ok, err = pcall(session.request, session, {}, given)
        session:destroy()
        assert(ok, err)
    end,
}
for owner, method in pairs{
    ["options:respond"] = "respond", ["options:respondWithFile"] = "respondWithFile",
    ["options:respondWithFD"] = "respondWithFD", ["options:pushStream"] = "pushStream",
    ["options:priority"] = "priority",
} do
    takers[owner] = function(given)
        with_stream(function(stream)
            if method == "priority" then
                stream:priority(given)
            elseif method == "respond" then
                stream:respond({}, given)
            elseif method == "pushStream" then
                stream:pushStream({}, given, function() end)
            else
                stream[method](stream, method == "respondWithFD" and 0 or "README.md", {}, given)
            end
        end)
    end
end

-- -------------------------------------------------------------------------------- the checks

-- A value of a wrong type is refused with this code.
local function refuses(value, code)
    return function(take, name)
        local ok, err = pcall(take, {[name] = value})
        assert(not ok, "any value is taken")
        assert(http2.isError(err) and err.code == (code or "ERR_INVALID_ARG_TYPE"), tostring(err))
    end
end

-- The value is taken.
local function takes(value)
    return function(take, name)
        take{[name] = value}
    end
end

local function add(owner, names, check)
    options[owner] = options[owner] or {}
    for name in names:gmatch("%S+") do
        options[owner][name] = function()
            check(takers[owner], name)
        end
    end
end

for _, owner in ipairs{"options:createServer", "options:createSecureServer", "options:connect"} do
    add(owner, [[maxDeflateDynamicTableSize maxSettings maxSessionMemory maxHeaderListPairs
        maxOutstandingPings maxOutstandingSettings maxSendHeaderBlockLength paddingStrategy
        peerMaxConcurrentStreams unknownProtocolTimeout maxSessionInvalidFrames
        maxSessionRejectedStreams streamResetBurst streamResetRate]], refuses("x"))
    add(owner, "settings remoteCustomSettings", refuses(1))
    add(owner, "selectPadding", takes(function() end)) -- of old; without effect
end
for _, owner in ipairs{"options:createServer", "options:createSecureServer"} do
    add(owner, [[Http1IncomingMessage Http1ServerResponse Http2ServerRequest
        Http2ServerResponse]], refuses(1))
end
add("options:createSecureServer", "origins", refuses(1))
add("options:createSecureServer", "ALPNCallback", refuses(1))
add("options:createSecureServer", "ALPNProtocols", takes({"h2"}))
add("options:createSecureServer", "allowHTTP1", takes(true)) -- http1_spec.lua
add("options:connect", "maxReservedRemoteStreams", refuses("x"))
add("options:connect", "servername", refuses(1))
add("options:connect", "createConnection", refuses(1))

add("options:request", "endStream exclusive silent", refuses("x"))
add("options:request", "parent weight", refuses("x"))
add("options:request", "waitForTrailers", takes(true))
add("options:request", "signal", refuses(1))
add("options:request", "getTrailers", takes(function() end))
add("options:respond", "endStream waitForTrailers sendDate", takes(true))
add("options:respond", "getTrailers", takes(function() end))
add("options:pushStream", "exclusive endStream", takes(true))
add("options:pushStream", "parent", takes(1))
add("options:priority", "exclusive silent", refuses("x"))
add("options:priority", "parent weight", refuses("x"))
for _, owner in ipairs{"options:respondWithFile", "options:respondWithFD"} do
    add(owner, "statCheck offset length", refuses("x", "ERR_INVALID_ARG_VALUE"))
    add(owner, "waitForTrailers sendDate", takes(true))
end
add("options:respondWithFile", "onError", takes(function() end))

-- What stands for many options of another module.
options["options:createServer"][
    "net.createServer options (allowHalfOpen, pauseOnConnect, noDelay, keepAlive, "
        .. "keepAliveInitialDelay, highWaterMark)"] = function()
    http2.createServer{noDelay = true, keepAlive = true, keepAliveInitialDelay = 1000}
end
options["options:createSecureServer"][
    "tls.createServer options (key, cert, pfx, ca, passphrase, requestCert, rejectUnauthorized, "
        .. "SNICallback, ciphers, minVersion, ...)"] = function()
    refuses(1)(secure, "ca")
    refuses(1)(secure, "ciphers")
end
options["options:connect"][
    "net.connect/tls.connect options (ca, cert, key, rejectUnauthorized, lookup, localAddress, "
        .. "family, ...)"] = function()
    refuses(1)(connect, "localAddress")
    refuses("x")(connect, "family")
end
options["options:connect"].protocol = function()
    local ok, err = pcall(http2.connect, {hostname = "127.0.0.1", port = 1}, {protocol = "other:"})
    assert(not ok and err.code == "ERR_HTTP2_UNSUPPORTED_PROTOCOL", tostring(err))
end
options["options:connect"].listener = function()
    local ok, err = pcall(http2.connect, "http://127.0.0.1:1", {}, 1)
    assert(not ok and err.code == "ERR_INVALID_ARG_TYPE")
end
options["options:performServerHandshake"] = {
    ["(all createServer session options)"] = function()
        local ok, err = pcall(http2.performServerHandshake, require("http2.net").Socket(),
            {maxSettings = "x"})
        assert(not ok and err.code == "ERR_INVALID_ARG_TYPE", tostring(err))
    end,
}
options["options:getUnpackedSettings"] = {
    validate = function()
        local packed = "\0\2\0\0\0\2" -- enablePush = 2
        http2.getUnpackedSettings(packed)
        assert(not pcall(http2.getUnpackedSettings, packed, {validate = true}))
    end,
}

-- -------------------------------------------------------------------------------- defaults

--- `options.defaults[name](value)` fails unless the value is the default; where it takes a peer to
--- find out, the server or client of a scripted one is used.
options.defaults = {}

local function peer_of_server()
    local server = pair.serve({}, function() end)
    return rawpeer.connect(rawpeer.port_of(server))
end

-- A connected client and its peer, which acknowledges nothing.
local function client_of_peer()
    local listener = rawpeer.listen()
    local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
    local before = session.remoteSettings
    session:on("error", function() end):on("connect", function()
        before = session.remoteSettings
    end)
    local peer = listener.accept_silent()
    listener.close()
    peer:read_preface()
    rawpeer.turn_until(function() return not session.connecting or nil end)
    return session, peer, before
end

function options.defaults.maxOutstandingPings(value)
    local session = client_of_peer()
    for _ = 1, value do
        assert(session:ping(function() end) == true)
    end
    assert(session:ping(function() end) == false)
end

-- The first SETTINGS wait too.
function options.defaults.maxOutstandingSettings(value)
    local session = client_of_peer()
    for _ = 1, value - 1 do
        session:settings({})
    end
    assert(not session.destroyed)
    session:settings({})
    assert(session.destroyed)
end

function options.defaults.peerMaxConcurrentStreams(value)
    local _, _, before = client_of_peer()
    assert(before.maxConcurrentStreams == value, before.maxConcurrentStreams)
end

function options.defaults.maxSettings(value)
    local entries = {}
    for id = 1, value do
        entries[id] = {0x1000 + id, 1}
    end
    local peer = peer_of_server()
    peer:send(frames.settings(entries))
    peer:await_pong()
    entries[value + 1] = {0x2000, 1}
    peer:send(frames.settings(entries))
    peer:await_fault("ENHANCE_YOUR_CALM")
end

function options.defaults.maxHeaderListPairs(value)
    local peer = peer_of_server()
    local more = {}
    for index = 1, value - 4 do
        more[2 * index - 1], more[2 * index] = "x-" .. index, "1"
    end
    peer:send(frames.get(1, "/", more))
    peer:await_pong()
    more[#more + 1], more[#more + 2] = "x-last", "1"
    peer:send(frames.get(3, "/", more))
    peer:await_reset(3, "ENHANCE_YOUR_CALM")
end

return options
