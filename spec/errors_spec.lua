-- Every documented error code has a spec; those that no other spec is about are here.
local http2 = require("http2")
local net = require("http2.net")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local process = require("spec.support.process")
local rawpeer = require("spec.support.rawpeer")

local function pass() end

-- A connected client whose peer acknowledges nothing.
local function silent_client(options)
    local listener = rawpeer.listen()
    local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port, options))
    local peer = listener.accept_silent()
    listener.close()
    peer:read_preface()
    rawpeer.turn_until(function() return not session.connecting or nil end)
    return session, peer
end

local function error_of(object)
    local seen
    object:on("error", function(err) seen = err end)
    return function()
        return assert(rawpeer.turn_until(function() return seen end), "no error came")
    end
end

describe("an error", function()
    after_each(loop.clean)

    it("ERR_HTTP2_SETTINGS_CANCEL, then ERR_HTTP2_MAX_PENDING_SETTINGS_ACK tell of silent peers",
        function()
        local session = silent_client{maxOutstandingSettings = 2}
        local await = error_of(session)
        local cancelled
        session:settings({})
        session:settings({}, function(err) cancelled = err end)
        assert.equal("ERR_HTTP2_SETTINGS_CANCEL", cancelled.code)
        assert.is_true(session.destroyed)
        assert.equal("ERR_HTTP2_MAX_PENDING_SETTINGS_ACK", await().code)
    end)

    it("ERR_HTTP2_SOCKET_UNBOUND is raised by the socket of a session that is over", function()
        local session = silent_client()
        local socket = session.socket
        assert.is_number(socket.remotePort)
        session:destroy()
        assert(rawpeer.turn_until(function() return session.socket == nil or nil end))
        local ok, err = pcall(function() return socket.remotePort end)
        assert.is_false(ok)
        assert.equal("ERR_HTTP2_SOCKET_UNBOUND", err.code)
    end)

    it("ERR_HTTP2_SOCKET_BOUND is raised for a second session on one socket", function()
        local listener = rawpeer.listen()
        local socket = net.connect(listener.port, "127.0.0.1")
        local options = {createConnection = function() return socket end}
        loop.track(http2.connect("http://localhost", options))
        listener.accept_silent()
        local ok, err = pcall(http2.connect, "http://localhost", options)
        listener.close()
        assert.is_false(ok)
        assert.equal("ERR_HTTP2_SOCKET_BOUND", err.code)
    end)

    it("ERR_SOCKET_CLOSED comes of a socket that closes before it is connected", function()
        local socket = net.connect(process.refusing_port(), "127.0.0.1")
        local session = loop.track(http2.connect("http://localhost",
            {createConnection = function() return socket end}))
        local await = error_of(session)
        socket:destroy()
        assert.equal("ERR_SOCKET_CLOSED", await().code)
    end)

    it("ERR_HTTP2_TOO_MANY_INVALID_FRAMES comes of the frame that is too much", function()
        local server = pair.serve({server_options = {maxSessionInvalidFrames = 5}}, pass)
        local seen
        server:on("sessionError", function(err) seen = err end)
        local peer = rawpeer.connect(rawpeer.port_of(server))
        for id = 1, 15, 2 do
            peer:send(frames.headers(id, {"x", "no request"},
                frames.END_HEADERS | frames.END_STREAM))
        end
        peer:await_end()
        assert.equal("ERR_HTTP2_TOO_MANY_INVALID_FRAMES",
            assert(rawpeer.turn_until(function() return seen end)).code)
    end)
end)

-- ------------------------------------------------------------------------- who tests which

local specs = {}
for line in ([[
    arguments_spec.lua ERR_HTTP2_ALTSVC_INVALID_ORIGIN ERR_HTTP2_ALTSVC_LENGTH
    arguments_spec.lua ERR_HTTP2_CONNECT_AUTHORITY ERR_HTTP2_CONNECT_PATH ERR_HTTP2_CONNECT_SCHEME
    arguments_spec.lua ERR_HTTP2_HEADER_SINGLE_VALUE ERR_HTTP2_INVALID_CONNECTION_HEADERS
    arguments_spec.lua ERR_HTTP2_INVALID_INFO_STATUS ERR_HTTP2_INVALID_ORIGIN
    arguments_spec.lua ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH ERR_HTTP2_INVALID_PSEUDOHEADER
    arguments_spec.lua ERR_HTTP2_INVALID_SETTING_VALUE ERR_HTTP2_ORIGIN_LENGTH
    arguments_spec.lua ERR_HTTP2_PAYLOAD_FORBIDDEN ERR_HTTP2_PING_LENGTH ERR_HTTP2_STATUS_101
    arguments_spec.lua ERR_HTTP2_STATUS_INVALID ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS
    arguments_spec.lua ERR_HTTP2_TRAILERS_NOT_READY ERR_HTTP2_UNSUPPORTED_PROTOCOL
    arguments_spec.lua ERR_INVALID_ARG_TYPE ERR_INVALID_ARG_VALUE ERR_OUT_OF_RANGE
    arguments_spec.lua ERR_INVALID_HTTP_TOKEN ERR_INVALID_CHAR ERR_INVALID_URL
    arguments_spec.lua ERR_STREAM_NULL_VALUES
    stream_headers_spec.lua ERR_HTTP2_HEADERS_AFTER_RESPOND ERR_HTTP2_NESTED_PUSH
    stream_headers_spec.lua ERR_HTTP2_PUSH_DISABLED ERR_HTTP2_TRAILERS_ALREADY_SENT
    stream_spec.lua ERR_HTTP2_INVALID_STREAM ERR_HTTP2_OUT_OF_STREAMS
    stream_spec.lua ERR_HTTP2_STREAM_SELF_DEPENDENCY ERR_STREAM_DESTROYED ERR_HTTP2_STREAM_ERROR
    stream_body_spec.lua ERR_STREAM_WRITE_AFTER_END
    response_head_spec.lua ERR_HTTP2_INFO_STATUS_NOT_ALLOWED ERR_HTTP2_INVALID_HEADER_VALUE
    response_head_spec.lua ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED ERR_HTTP2_HEADERS_SENT
    client_spec.lua ERR_HTTP2_GOAWAY_SESSION ERR_HTTP2_INVALID_SESSION
    client_connection_spec.lua ERR_HTTP2_SESSION_ERROR ERR_HTTP2_STREAM_CANCEL
    client_connection_spec.lua ECONNREFUSED ECONNRESET ENOTFOUND
    files_spec.lua ENOENT
    files_special_spec.lua ERR_HTTP2_SEND_FILE ERR_HTTP2_SEND_FILE_NOSEEK
    files_descriptor_spec.lua EBADF
    differential/violations_spec.lua ERR_HTTP2_ERROR
    contract_spec.lua ERR_HTTP2_NO_SOCKET_MANIPULATION
    async_spec.lua ERR_HTTP2_PING_CANCEL
    abort_spec.lua ABORT_ERR
    net_tls_spec.lua EPIPE
    errors_spec.lua ERR_HTTP2_SETTINGS_CANCEL ERR_HTTP2_MAX_PENDING_SETTINGS_ACK
    errors_spec.lua ERR_HTTP2_SOCKET_UNBOUND ERR_HTTP2_SOCKET_BOUND ERR_SOCKET_CLOSED
    errors_spec.lua ERR_HTTP2_TOO_MANY_INVALID_FRAMES
]]):gmatch("[^\n]+") do
    local file, codes = line:match("(%S+) (.*)")
    for code in codes:gmatch("%S+") do
        specs[code] = file
    end
end

local without_spec = {
    ERR_HTTP2_NO_MEM = "memory does not run out at a spec's wish; the C tests fail each allocation",
    ERR_ASSERTION = "the library never raises it",
    ERR_HTTP_TRAILER_INVALID = "of Node's own HTTP/1 objects",
    ERR_HTTP_HEADERS_SENT = "of Node's own HTTP/1 objects",
    ERR_SSL_NO_APPLICATION_PROTOCOL = "one of the TLS library's errors, as tls_spec.lua has them",
    ETIMEDOUT = "one of the system's errors, as ECONNREFUSED is",
    EACCES = "one of the system's errors, as ENOENT is",
    EISDIR = "one of the system's errors, as EBADF is",
}

describe("the codes of errors", function()
    it("are in the specs that are said to be about them", function()
        for code, file in pairs(specs) do
            assert.truthy(process.read_file("spec/" .. file):find(code, 1, true),
                ("%s is not in %s"):format(code, file))
        end
    end)

    it("are all that errors.json has", function()
        local text = process.read_file("../shared/contract/errors.json")
        if text == "" then
            return pending("no ../shared/contract/errors.json")
        end
        for _, entry in ipairs(require("cjson").decode(text)) do
            for code in entry.code:gmatch("%u[%u%d_]+") do
                local is_known = specs[code] or without_spec[code] or not code:find("^E%u+")
                    and not code:find("_") or code == "ERR_HTTP_" or code == "TLS"
                assert.truthy(is_known, code)
            end
        end
    end)
end)
