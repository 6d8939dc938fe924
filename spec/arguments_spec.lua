-- Every function of the core API refuses what it cannot take: with the documented code, at the
-- caller's line, and before anything has changed.
local http2 = require("http2")
local contract = require("spec.support.contract")
local frames = require("spec.support.frames")
local loop = require("spec.support.loop")
local pair = require("spec.support.pair")
local rawpeer = require("spec.support.rawpeer")

local function pass() end

-- ---------------------------------------------------------------------- values that are wrong

local none = {} -- stands for an argument that is left out
local nan, infinite = 0 / 0, 1 / 0

local type_code = "ERR_INVALID_ARG_TYPE"
local value_code = "ERR_INVALID_ARG_VALUE"
local range_code = "ERR_OUT_OF_RANGE"
local setting_code = "ERR_HTTP2_INVALID_SETTING_VALUE"

local no_function = {code = type_code, 1, "x", {}}
local no_table = {code = type_code, 1, "x", true}
local no_number = {code = type_code, "x", {}, true}
local no_boolean = {code = type_code, 1, "x", {}}
local no_string = {code = type_code, 1, {}, true}
local no_url = {code = type_code, 1, true, pass}
local no_path = {code = type_code, {}, true, none}

-- The same, or none at all.
local function needed(wrong)
    local values = table.move(wrong, 1, #wrong, 1, {code = wrong.code})
    values[#values + 1] = none
    return values
end

local function out_of(...)
    return {code = range_code, ...}
end

local uint32 = out_of(-1, 1.5, 2 ^ 32)
local milliseconds = out_of(-1, nan, infinite, -infinite)

-- {field = {code, value, ...}} as whole tables.
local function tables(fields)
    local values = {}
    for name, wrong in pairs(fields) do
        for _, value in ipairs(wrong) do
            values[#values + 1] = {code = wrong.code, value = {[name] = value}}
        end
    end
    return values
end

local settings = tables{
    headerTableSize = {code = setting_code, -1, 2 ^ 32, 1.5, "x"},
    initialWindowSize = {code = setting_code, -1, 2 ^ 31, "x"},
    maxFrameSize = {code = setting_code, 16383, 2 ^ 24, "x"},
    maxConcurrentStreams = {code = setting_code, -1, 2 ^ 32},
    maxHeaderListSize = {code = setting_code, -1, 2 ^ 32},
    enablePush = {code = setting_code, 1, "x"},
    enableConnectProtocol = {code = setting_code, 1, "x"},
    customSettings = {code = "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS",
        {[20] = 1, [21] = 1, [22] = 1, [23] = 1, [24] = 1, [25] = 1, [26] = 1, [27] = 1, [28] = 1,
            [29] = 1, [30] = 1}},
}

local fields = tables{
    [":unknown"] = {code = "ERR_HTTP2_INVALID_PSEUDOHEADER", "x"},
    ["bad name"] = {code = "ERR_INVALID_HTTP_TOKEN", "x"},
    [""] = {code = "ERR_INVALID_HTTP_TOKEN", "x"},
    ["x-a"] = {code = "ERR_INVALID_CHAR", "a\nb", "a\0b"},
    connection = {code = "ERR_HTTP2_INVALID_CONNECTION_HEADERS", "close"},
    te = {code = "ERR_HTTP2_INVALID_CONNECTION_HEADERS", "gzip"},
    etag = {code = "ERR_HTTP2_HEADER_SINGLE_VALUE", {"a", "b"}},
    [http2.sensitiveHeaders] = {code = value_code, "x"},
}

local connects = {
    {code = "ERR_HTTP2_CONNECT_AUTHORITY", value = {[":method"] = "CONNECT"}},
    {code = "ERR_HTTP2_CONNECT_PATH", value = {[":method"] = "CONNECT", [":authority"] = "a:1",
        [":path"] = "/"}},
    {code = "ERR_HTTP2_CONNECT_SCHEME", value = {[":method"] = "CONNECT", [":authority"] = "a:1",
        [":scheme"] = "http"}},
}

local statuses = tables{[":status"] = {code = "ERR_HTTP2_STATUS_INVALID", 199, 600, 1}}
local bodyless = tables{[":status"] = {code = "ERR_HTTP2_PAYLOAD_FORBIDDEN", 204, 205, 304}}

local file_options = tables{
    statCheck = {code = value_code, 1, "x", {}},
    offset = {code = value_code, "x", {}},
    length = {code = value_code, "x", {}},
}

local session_options = tables{
    settings = no_table,
    remoteCustomSettings = {code = "ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS",
        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
    maxSessionInvalidFrames = uint32,
    maxSessionRejectedStreams = uint32,
    unknownProtocolTimeout = uint32,
    maxSettings = no_number,
    maxHeaderListPairs = no_number,
}

-- ------------------------------------------------------------------------------ the functions

-- Of each: its name, arguments that are right, and lists of wrong ones for the first three.
local functions = {
    http2 = {
        {"createServer", {{}, pass}, first = {no_table, session_options}, second = {no_function}},
        {"createSecureServer", {{}, pass}, first = {no_table, session_options},
            second = {no_function}},
        {"connect", {"http://127.0.0.1:1", {}, pass},
            first = {needed(no_url), {code = "ERR_INVALID_URL", "x", "http//x", "http://"},
                {code = "ERR_HTTP2_UNSUPPORTED_PROTOCOL", "ftp://127.0.0.1"}},
            second = {no_table, session_options}, third = {no_function}},
        {"getPackedSettings", {{}}, first = {no_table, settings}},
        {"getUnpackedSettings", {"\0\1\0\0\0\0", {}}, first = {needed(no_string),
            {code = "ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH", "12345", "1234567"}},
            second = {no_table}},
    },
    session = {
        {"close", {}, first = {no_function}},
        {"destroy", {}, second = {no_number, uint32}},
        {"goaway", {0, 0, "x"}, first = {no_number}, second = {no_number}, third = {no_string}},
        {"ping", {"12345678", pass}, first = {no_string,
            {code = "ERR_HTTP2_PING_LENGTH", "1234567", "123456789", ""}},
            second = {needed(no_function)}},
        {"settings", {{}, pass}, first = {no_table, settings}, second = {no_function}},
        {"setLocalWindowSize", {0}, first = {needed(no_number), out_of(-1, 2 ^ 31, 1.5)}},
        {"setNextStreamID", {1}, first = {needed(no_number), out_of(0, -1, 2 ^ 32, 1.5)}},
        {"setTimeout", {0, pass}, first = {needed(no_number), milliseconds},
            second = {no_function}},
        {"on", {"x", pass}, second = {needed(no_function)}},
    },
    client_session = {
        {"request", {{}, {}}, first = {no_table, fields, connects}, second = {no_table, tables{
            endStream = no_boolean, exclusive = no_boolean, silent = no_boolean,
            weight = no_number, parent = no_number, signal = {code = type_code, 1, "x", {}}},
            tables{parent = out_of(-1)}}},
    },
    server_session = {
        {"altsvc", {"h2", "https://example.org"},
            first = {needed(no_string), {code = "ERR_INVALID_CHAR", "a\nb", "a\0b"},
                {code = "ERR_HTTP2_ALTSVC_LENGTH", ("x"):rep(16383)}},
            second = {{code = type_code, none, true}, {code = "ERR_INVALID_URL", "x"},
                {code = "ERR_HTTP2_ALTSVC_INVALID_ORIGIN", "file:///x", {origin = "null"}},
                out_of(0, -1, 2 ^ 32, 1.5)}},
        {"origin", {"https://example.org"}, first = {no_url,
            {code = "ERR_INVALID_URL", "x"},
            {code = "ERR_HTTP2_INVALID_ORIGIN", "file:///x"}}},
    },
    stream = {
        {"close", {0, pass}, first = {no_number, uint32}, second = {no_function}},
        {"priority", {{}}, first = {no_table, tables{weight = no_number, parent = no_number,
            exclusive = no_boolean, silent = no_boolean}, tables{parent = out_of(-1)}}},
        {"sendTrailers", {{}}, first = {{code = "ERR_HTTP2_TRAILERS_NOT_READY", {}, none, 1}}},
        {"setTimeout", {0, pass}, first = {needed(no_number), milliseconds},
            second = {no_function}},
        {"write", {"x"}, first = {no_string, {code = "ERR_STREAM_NULL_VALUES", none}},
            second = {{code = "ERR_UNKNOWN_ENCODING", "x"}}},
        {"finish", {"x"}, first = {no_string}, second = {{code = "ERR_UNKNOWN_ENCODING", "x"}}},
        {"setEncoding", {"utf8"}, first = {{code = "ERR_UNKNOWN_ENCODING", "x"}, no_string}},
        {"setDefaultEncoding", {"utf8"}, first = {{code = "ERR_UNKNOWN_ENCODING", "x"}, no_string}},
        {"on", {"x", pass}, second = {needed(no_function)}},
        {"once", {"x", pass}, second = {needed(no_function)}},
        {"off", {"x", pass}, second = {needed(no_function)}},
    },
    server_stream = {
        {"respond", {{}, {}}, first = {no_table, fields, statuses}, second = {no_table}},
        {"additionalHeaders", {{}}, first = {needed(no_table), fields,
            tables{[":status"] = {code = "ERR_HTTP2_INVALID_INFO_STATUS", 99, 200, 600}},
            tables{[":status"] = {code = "ERR_HTTP2_STATUS_101", 101}}}},
        {"pushStream", {{}, {}, pass}, first = {no_table, fields}, second = {no_table},
            third = {needed(no_function)}},
        {"respondWithFile", {"README.md", {}, {}}, first = {no_path},
            second = {no_table, fields, bodyless}, third = {no_table, file_options}},
        {"respondWithFD", {0, {}, {}}, first = {needed(no_number)},
            second = {no_table, fields, bodyless}, third = {no_table, file_options}},
    },
    server = {
        {"close", {}, first = {{code = type_code, 1, "x"}} --[[ or {grace = ms} ]]},
        {"setTimeout", {0, pass}, second = {no_function}},
        {"updateSettings", {{}}, first = {no_table, settings}},
        {"getConnections", {pass}, first = {needed(no_function)}},
        {"on", {"x", pass}, second = {needed(no_function)}},
    },
}

-- ------------------------------------------------------------------------------- the subjects

-- A stream and a session of each side, with the peer at the other end.
local function client()
    local listener = rawpeer.listen()
    local session = loop.track(http2.connect("http://127.0.0.1:" .. listener.port))
    local stream = session:request{[":method"] = "POST"}
    local peer = listener:accept()
    listener.close()
    peer:await_frame(frames.HEADERS, 1)
    peer:await_settings_ack()
    return peer, session, stream
end

local function server()
    local session, stream
    local object = pair.serve({}, pass)
    object:on("stream", function(each)
        session, stream = each.session, each
    end)
    local peer = rawpeer.connect(rawpeer.port_of(object))
    peer:send(frames.post(1))
    peer:await_pong()
    return peer, session, stream, object
end

-- What there is to see of an object.
local function snapshot(object, owners)
    local seen = {}
    for _, entry in ipairs(contract) do
        if owners[entry.owner] and entry.kind == "property" then
            local value = object[entry.name]
            seen[entry.name] = type(value) == "userdata" and "an object" or value
        end
    end
    return seen
end

-- --------------------------------------------------------------------------------- the checks

-- The one line at which everything here is called.
local function call(fn, ...) fn(...) end
local here = debug.getinfo(call, "S").short_src .. ":" .. debug.getinfo(call, "S").linedefined

local function describe_value(value)
    return value == none and "no value" or type(value) == "table" and next(value) ~= nil
        and ("{[%s] = %s}"):format(tostring(next(value)), tostring(select(2, next(value))))
        or tostring(value)
end

-- Calls with the argument at `position` replaced by `value`.
local function check_value(fn, self, right, position, value, code)
    local arguments = table.move(right, 1, #right, 1, {})
    arguments[position] = value ~= none and value or nil
    local count = math.max(#right, position)
    local ok, err
    if self then
        ok, err = pcall(call, fn, self, table.unpack(arguments, 1, count))
    else
        ok, err = pcall(call, fn, table.unpack(arguments, 1, count))
    end
    local what = ("argument %d: %s"):format(position, describe_value(value))
    assert(not ok, what .. " is taken")
    assert(http2.isError(err), what .. " raises " .. tostring(err))
    assert(err.code == code, ("%s raises %s instead of %s"):format(what, err.code, code))
    assert(err.where == here, ("%s is raised at %s"):format(what, err.where))
end

local function check_function(description, fn, self)
    for position, place in ipairs{"first", "second", "third"} do
        for _, wrong in ipairs(description[place] or {}) do
            for _, each in ipairs(wrong) do
                local value, code = each, wrong.code
                if not code then
                    value, code = each.value, each.code
                end
                check_value(fn, self, description[2], position, value, code)
            end
        end
    end
end

local function define(group, subject, owners, pick)
    for _, description in ipairs(functions[group]) do
        local name = description[1]
        it(("%s of %s refuses wrong arguments"):format(name, subject), function()
            local peer, session, stream, object = pick()
            local self = ({session = session, stream = stream, server = object})[owners.is]
            assert.is_function(self[name])
            local before = snapshot(self, owners)
            check_function(description, self[name], self)
            assert.same(before, snapshot(self, owners))
            assert.same({}, peer:await_pong())
        end)
    end
end

describe("the module:", function()
    after_each(loop.clean)

    for _, description in ipairs(functions.http2) do
        it(description[1] .. " refuses wrong arguments", function()
            check_function(description, http2[description[1]])
            assert.is_false(http2.run("nowait"))
        end)
    end
end)

describe("a client:", function()
    after_each(loop.clean)
    define("session", "the session", {Http2Session = true, is = "session"}, client)
    define("client_session", "the session", {Http2Session = true, is = "session"}, client)
    define("stream", "the stream", {Http2Stream = true, is = "stream"}, client)
end)

describe("a server:", function()
    after_each(loop.clean)
    define("session", "a session", {Http2Session = true, is = "session"}, server)
    define("server_session", "a session", {Http2Session = true, is = "session"}, server)
    define("stream", "a stream", {Http2Stream = true, is = "stream"}, server)
    define("server_stream", "a stream", {ServerHttp2Stream = true, is = "stream"}, server)
    it("origin() takes no more than fits into a frame", function()
        local peer, session = server()
        local origins = {}
        for index = 1, 100 do
            origins[index] = ("https://%s%d.example.org"):format(("x"):rep(50)
                .. "." .. ("y"):rep(50) .. "." .. ("z"):rep(50), index)
        end
        local ok, err = pcall(session.origin, session, table.unpack(origins))
        assert.is_false(ok)
        assert.equal("ERR_HTTP2_ORIGIN_LENGTH", err.code)
        assert.same({}, peer:await_pong())
    end)

    define("server", "the server", {Http2Server = true, is = "server"}, server)
end)
