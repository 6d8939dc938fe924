-- Each argument of a wrong type or out of range raises its code at the caller, and changes nothing.
local http2 = require("http2")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local rawpeer = require("spec.support.rawpeer")

local TYPE, RANGE = "ERR_INVALID_ARG_TYPE", "ERR_OUT_OF_RANGE"
local SETTING = "ERR_HTTP2_INVALID_SETTING_VALUE"

local function fn() end

local function describe_arguments(arguments)
    local words = {}
    for at = 1, arguments.n do
        local value = arguments[at]
        words[at] = type(value) == "table" and "{" .. (next(value) and tostring(next(value)) or "")
            .. "}" or tostring(value)
    end
    return table.concat(words, ", ")
end

-- Runs the cases {code, method, arguments...} on what `make` gives: {object, unchanged = fn}.
local function check(make, cases)
    for _, case in ipairs(cases) do
        local code, method = case[1], case[2]
        local arguments = table.pack(table.unpack(case, 3, case.n or #case))
        local name = ("%s(%s)"):format(method, describe_arguments(arguments))
        it(("%s raises %s"):format(name, code), function()
            local object = make()
            local call = object[method]
            local ok, err
            if object.is_module then
                ok, err = pcall(call, table.unpack(arguments, 1, arguments.n))
            else
                ok, err = pcall(call, object.target, table.unpack(arguments, 1, arguments.n))
            end
            assert.is_false(ok, name .. " raised nothing")
            assert.is_true(http2.isError(err), tostring(err))
            assert.equal(code, err.code)
            assert.equal(code == RANGE and "RangeError"
                or code == TYPE and "TypeError" or err.name, err.name)
            object.unchanged()
        end)
    end
end

-- Wraps an object: its methods are found by name, and `unchanged` asserts that nothing came of it.
local function wrap(target, unchanged)
    return setmetatable({target = target, unchanged = unchanged}, {__index = function(_, name)
        return target[name]
    end})
end

describe("a wrong argument of a client session:", function()
    after_each(loop.clean)

    local function make()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        local peer = listener:accept()
        listener:close()
        peer:await_settings_ack()
        local events = #session:eventNames()
        return wrap(session, function()
            assert.same({}, peer:await_pong())
            assert.is_false(session.destroyed or session.closed)
            assert.equal(events, #session:eventNames())
            peer:close()
        end)
    end

    check(make, {
        {TYPE, "close", 1},
        {TYPE, "close", "x"},
        {RANGE, "destroy", -1},
        {RANGE, "destroy", 2 ^ 32},
        {RANGE, "destroy", 1.5},
        {TYPE, "destroy", "e", "x"},
        {RANGE, "destroy", "e", -1},
        {TYPE, "goaway", "1"},
        {RANGE, "goaway", -1},
        {RANGE, "goaway", 2 ^ 32},
        {TYPE, "goaway", 0, "1"},
        {RANGE, "goaway", 0, 0.5},
        {TYPE, "goaway", 0, 0, 1},
        {TYPE, "ping"},
        {TYPE, "ping", "12345678"},
        {TYPE, "ping", "12345678", 1},
        {TYPE, "ping", 12345678, fn},
        {"ERR_HTTP2_PING_LENGTH", "ping", "1234567", fn},
        {"ERR_HTTP2_PING_LENGTH", "ping", "123456789", fn},
        {TYPE, "settings", 1},
        {TYPE, "settings", {1, 2}},
        {TYPE, "settings", {}, 1},
        {SETTING, "settings", {headerTableSize = -1}},
        {SETTING, "settings", {headerTableSize = 2 ^ 32}},
        {SETTING, "settings", {headerTableSize = "1"}},
        {SETTING, "settings", {enablePush = 1}},
        {SETTING, "settings", {enableConnectProtocol = 1}},
        {SETTING, "settings", {initialWindowSize = 2 ^ 31}},
        {SETTING, "settings", {maxFrameSize = 16383}},
        {SETTING, "settings", {maxFrameSize = 2 ^ 24}},
        {SETTING, "settings", {maxConcurrentStreams = 1.5}},
        {SETTING, "settings", {maxHeaderListSize = -1}},
        {SETTING, "settings", {maxHeaderSize = -1}},
        {SETTING, "settings", {customSettings = {[0] = 1}}},
        {SETTING, "settings", {customSettings = {[65536] = 1}}},
        {SETTING, "settings", {customSettings = {[4000] = -1}}},
        {TYPE, "settings", {customSettings = 1}},
        {TYPE, "setLocalWindowSize"},
        {TYPE, "setLocalWindowSize", "1"},
        {RANGE, "setLocalWindowSize", -1},
        {RANGE, "setLocalWindowSize", 2 ^ 31},
        {RANGE, "setLocalWindowSize", 1.5},
        {TYPE, "setNextStreamID"},
        {TYPE, "setNextStreamID", "1"},
        {RANGE, "setNextStreamID", 0},
        {RANGE, "setNextStreamID", -1},
        {RANGE, "setNextStreamID", 2 ^ 32},
        {RANGE, "setNextStreamID", 2},
        {TYPE, "setTimeout"},
        {TYPE, "setTimeout", "1"},
        {RANGE, "setTimeout", -1},
        {RANGE, "setTimeout", 0 / 0},
        {RANGE, "setTimeout", math.huge},
        {TYPE, "setTimeout", 1, 1},
        {TYPE, "setTimeout", 0, 1},
        {TYPE, "request", 1},
        {TYPE, "request", {}, 1},
        {TYPE, "request", {}, {endStream = 1}},
        {TYPE, "shutdown", 1},
        {TYPE, "shutdown", {}, 1},
        {RANGE, "shutdown", {errorCode = -1}},
        {TYPE, "shutdown", {opaqueData = 1}},
        {TYPE, "rstStream", 1},
        {TYPE, "priority", {}},
    })

    it("methods are called with a colon", function()
        local listener = rawpeer.listen()
        local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
        local ok, err = pcall(session.close)
        listener.close()
        assert.is_false(ok)
        assert.equal("ERR_INVALID_THIS", err.code)
    end)
end)

describe("a wrong argument of a server session:", function()
    after_each(loop.clean)

    local function make()
        local server = loop.track(http2.createServer())
        local session
        server:on("session", function(s)
            session = s
        end)
        server:listen(0, "127.0.0.1")
        local peer = rawpeer.connect(rawpeer.port_of(server))
        peer:await_pong()
        return wrap(session, function()
            assert.same({}, peer:await_pong())
            assert.is_false(session.destroyed)
            peer:close()
        end)
    end

    check(make, {
        {TYPE, "altsvc"},
        {TYPE, "altsvc", "h2"},
        {TYPE, "altsvc", "h2", true},
        {TYPE, "altsvc", 1, "https://a.example"},
        {RANGE, "altsvc", "h2", 0},
        {RANGE, "altsvc", "h2", 2 ^ 32},
        {TYPE, "origin", 1},
        {TYPE, "origin", false},
        {"ERR_INVALID_URL", "origin", "https://"},
    })
end)

describe("a wrong argument of a server:", function()
    after_each(loop.clean)

    local function make()
        local server = loop.track(http2.createServer{settings = {maxConcurrentStreams = 7}})
        return wrap(server, function()
            assert.equal(0, server.timeout)
            assert.is_false(server.listening)
            assert.is_nil(server.maxConnections)
            assert.equal(0, server:listenerCount("timeout"))
            server:listen(0, "127.0.0.1")
            local peer = rawpeer.open(rawpeer.port_of(server))
            peer:send(frames.preface, frames.settings())
            local settings = peer:await_frame(frames.SETTINGS).settings
            assert.equal(7, settings[frames.MAX_CONCURRENT_STREAMS])
            peer:close()
        end)
    end

    check(make, {
        {TYPE, "close", 1},
        {TYPE, "close", {grace = "1"}},
        {RANGE, "close", {grace = -1}},
        {TYPE, "close", {}, 1},
        {TYPE, "setTimeout", "1"},
        {RANGE, "setTimeout", -1},
        {RANGE, "setTimeout", 0 / 0},
        {TYPE, "setTimeout", 1, 1},
        {TYPE, "updateSettings", 1},
        {SETTING, "updateSettings", {maxConcurrentStreams = -1}},
        {SETTING, "updateSettings", {maxConcurrentStreams = 8, maxFrameSize = 1}},
        {TYPE, "getConnections"},
        {TYPE, "getConnections", 1},
        {"ERR_SOCKET_BAD_PORT", "listen", -1},
        {"ERR_SOCKET_BAD_PORT", "listen", 65536},
        {"ERR_SOCKET_BAD_PORT", "listen", {port = "x"}},
        {"ERR_INVALID_ARG_VALUE", "listen", {host = "127.0.0.1"}},
        {"ERR_INVALID_ARG_VALUE", "listen", true},
        {TYPE, "listen", {port = 0, host = 1}},
        {TYPE, "listen", {port = 0, reusePort = 1}},
        {TYPE, "listen", {port = 0, backlog = "1"}},
        {TYPE, "listen", 0, "127.0.0.1", 5, "x"},
        {TYPE, "emit", "connection", 1},
    })

    it("properties refuse what methods refuse", function()
        local server = http2.createServer()
        local function set(name, value)
            return select(2, pcall(function()
                server[name] = value
            end)).code
        end
        assert.equal(TYPE, set("timeout", "1"))
        assert.equal(RANGE, set("timeout", -1))
        assert.equal(TYPE, set("maxConnections", "1"))
        assert.equal(RANGE, set("maxConnections", -1))
        assert.equal(0, server.timeout)
    end)
end)

describe("a wrong argument of the module:", function()
    after_each(loop.clean)

    local function make()
        return setmetatable({is_module = true, unchanged = fn}, {__index = http2})
    end

    local url = "http://127.0.0.1:1"
    check(make, {
        {TYPE, "connect"},
        {TYPE, "connect", 1},
        {"ERR_INVALID_URL", "connect", "no url"},
        {"ERR_INVALID_URL", "connect", "http://a:99999"},
        {"ERR_HTTP2_UNSUPPORTED_PROTOCOL", "connect", "ftp://a"},
        {"ERR_HTTP2_UNSUPPORTED_PROTOCOL", "connect", {protocol = "ssh:", hostname = "a"}},
        {"ERR_HTTP2_UNSUPPORTED_PROTOCOL", "connect", {hostname = "a"}, {protocol = "ssh:"}},
        {TYPE, "connect", url, 1},
        {TYPE, "connect", url, {}, 1},
        {TYPE, "connect", url, {createConnection = 1}},
        {TYPE, "connect", url, {lookup = 1}},
        {TYPE, "connect", url, {servername = 1}},
        {TYPE, "connect", url, {localAddress = 1}},
        {RANGE, "connect", url, {localPort = 65536}},
        {RANGE, "connect", url, {family = 7}},
        {RANGE, "connect", url, {port = -1}},
        {TYPE, "connect", url, {path = 1}},
        {RANGE, "connect", url, {handshakeTimeout = -1}},
        {TYPE, "connect", url, {peerMaxConcurrentStreams = "1"}},
        {RANGE, "connect", url, {maxSessionInvalidFrames = -1}},
        {RANGE, "connect", url, {paddingStrategy = 3}},
        {SETTING, "connect", url, {settings = {maxFrameSize = 1}}},
        {"ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS", "connect", url,
            {remoteCustomSettings = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}},
        {RANGE, "connect", url, {remoteCustomSettings = {65536}}},
        {TYPE, "createServer", 1},
        {TYPE, "createServer", {1}},
        {TYPE, "createServer", {}, 1},
        {TYPE, "createServer", {settings = 1}},
        {SETTING, "createServer", {settings = {initialWindowSize = -1}}},
        {TYPE, "createServer", {unknownProtocolTimeout = "1"}},
        {RANGE, "createServer", {unknownProtocolTimeout = -1}},
        {RANGE, "createServer", {unknownProtocolTimeout = 2 ^ 32}},
        {TYPE, "createServer", {maxSessionInvalidFrames = "1"}},
        {RANGE, "createServer", {maxSessionInvalidFrames = 2 ^ 32}},
        {RANGE, "createServer", {maxSessionRejectedStreams = -1}},
        {RANGE, "createServer", {streamResetBurst = -1}},
        {RANGE, "createServer", {streamResetRate = -1}},
        {TYPE, "createServer", {keepAliveTimeout = "1"}},
        {RANGE, "createServer", {settingsTimeout = -1}},
        {RANGE, "createServer", {writeTimeout = 2 ^ 31}},
        {TYPE, "createSecureServer", 1},
        {TYPE, "createSecureServer", {key = 1}},
        {TYPE, "createSecureServer", {SNICallback = 1}},
        {TYPE, "createSecureServer", {ALPNCallback = 1}},
        {TYPE, "createSecureServer", {origins = 1}},
        {"ERR_INVALID_URL", "createSecureServer", {origins = {"x"}}},
        {TYPE, "getPackedSettings", 1},
        {SETTING, "getPackedSettings", {enablePush = 0}},
        {TYPE, "getUnpackedSettings", 1},
        {"ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH", "getUnpackedSettings", "12345"},
    })
end)
