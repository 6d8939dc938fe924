--- Frames of HTTP/2 (RFC 9113 §4, §6), built from and parsed into plain Lua values. The builders
--- check nothing: most specs want them wrong.
local hpack = require("spec.support.hpack")

local frames = {
    preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",

    DATA = 0x0, HEADERS = 0x1, PRIORITY = 0x2, RST_STREAM = 0x3, SETTINGS = 0x4,
    PUSH_PROMISE = 0x5, PING = 0x6, GOAWAY = 0x7, WINDOW_UPDATE = 0x8, CONTINUATION = 0x9,
    ALTSVC = 0xa, ORIGIN = 0xc, PRIORITY_UPDATE = 0x10,

    END_STREAM = 0x1, ACK = 0x1, END_HEADERS = 0x4, PADDED = 0x8, HAS_PRIORITY = 0x20,

    HEADER_TABLE_SIZE = 0x1, ENABLE_PUSH = 0x2, MAX_CONCURRENT_STREAMS = 0x3,
    INITIAL_WINDOW_SIZE = 0x4, MAX_FRAME_SIZE = 0x5, MAX_HEADER_LIST_SIZE = 0x6,
    ENABLE_CONNECT_PROTOCOL = 0x8, NO_RFC7540_PRIORITIES = 0x9,
}

local type_names = {}
for _, name in ipairs{
    "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
    "WINDOW_UPDATE", "CONTINUATION", "ALTSVC", "ORIGIN", "PRIORITY_UPDATE",
} do
    type_names[frames[name]] = name
end

--- §7, by number from 0.
frames.error_names = {
    [0] = "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL",
    "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
}
frames.errors = {}
for code, name in pairs(frames.error_names) do
    frames.errors[name] = code
end

-- -------------------------------------------------------------------------------- building

--- Any frame. `length` tells another length than the payload's.
function frames.frame(type, flags, id, payload, length)
    return string.pack(">I3 I1 I1 I4", length or #payload, type, flags, id) .. payload
end

--- DATA; with `padding` so many octets of it.
function frames.data(id, octets, flags, padding)
    flags = flags or 0
    if padding then
        octets = string.char(padding) .. octets .. ("\0"):rep(padding)
        flags = flags | frames.PADDED
    end
    return frames.frame(frames.DATA, flags, id, octets)
end

--- HEADERS with a block, or with fields {name, value, ...}; END_HEADERS is the default of flags.
function frames.headers(id, fields, flags)
    local block = type(fields) == "table" and hpack.encode(fields) or fields
    return frames.frame(frames.HEADERS, flags or frames.END_HEADERS, id, block)
end

function frames.continuation(id, block, flags)
    return frames.frame(frames.CONTINUATION, flags or 0, id, block)
end

--- The fields of a request; `more` {name, value, ...} is put behind.
function frames.request_fields(method, path, more)
    local fields = {":method", method, ":scheme", "http", ":path", path, ":authority", "localhost"}
    return table.move(more or {}, 1, #(more or {}), #fields + 1, fields)
end

--- A GET that ends its stream.
function frames.get(id, path, more)
    return frames.headers(id, frames.request_fields("GET", path or "/", more),
        frames.END_HEADERS | frames.END_STREAM)
end

--- The HEADERS of a POST, whose body is to follow.
function frames.post(id, path, more)
    return frames.headers(id, frames.request_fields("POST", path or "/", more))
end

--- The HEADERS of a response.
function frames.response(id, status, more, flags)
    local fields = {":status", tostring(status)}
    return frames.headers(id, table.move(more or {}, 1, #(more or {}), 3, fields), flags)
end

function frames.priority(id, dependency, weight)
    return frames.frame(frames.PRIORITY, 0, id, string.pack(">I4 I1", dependency, weight or 15))
end

function frames.rst_stream(id, code)
    return frames.frame(frames.RST_STREAM, 0, id, string.pack(">I4", code))
end

--- SETTINGS from {{identifier, value}, ...}, in this order.
function frames.settings(entries, flags)
    local payload = {}
    for _, entry in ipairs(entries or {}) do
        payload[#payload + 1] = string.pack(">I2 I4", entry[1], entry[2])
    end
    return frames.frame(frames.SETTINGS, flags or 0, 0, table.concat(payload))
end

function frames.settings_ack()
    return frames.settings({}, frames.ACK)
end

function frames.push_promise(id, promised, fields, flags)
    local block = type(fields) == "table" and hpack.encode(fields) or fields
    return frames.frame(frames.PUSH_PROMISE, flags or frames.END_HEADERS, id,
        string.pack(">I4", promised) .. block)
end

function frames.ping(octets, flags)
    return frames.frame(frames.PING, flags or 0, 0, octets or "12345678")
end

function frames.goaway(last_id, code, debug)
    return frames.frame(frames.GOAWAY, 0, 0, string.pack(">I4 I4", last_id, code) .. (debug or ""))
end

function frames.window_update(id, increment)
    return frames.frame(frames.WINDOW_UPDATE, 0, id, string.pack(">I4", increment))
end

--- RFC 9218 §7.1.
function frames.priority_update(id, value, carrier)
    return frames.frame(frames.PRIORITY_UPDATE, 0, carrier or 0, string.pack(">I4", id) .. value)
end

-- --------------------------------------------------------------------------------- parsing

local parsers = {
    [frames.RST_STREAM] = function(frame)
        frame.code = string.unpack(">I4", frame.payload)
    end,
    [frames.SETTINGS] = function(frame)
        frame.settings = {}
        for at = 1, #frame.payload, 6 do
            local id, value = string.unpack(">I2 I4", frame.payload, at)
            frame.settings[id] = value
        end
    end,
    [frames.PUSH_PROMISE] = function(frame)
        frame.promised_id = string.unpack(">I4", frame.payload)
    end,
    [frames.GOAWAY] = function(frame)
        frame.last_id, frame.code = string.unpack(">I4 I4", frame.payload)
        frame.debug = frame.payload:sub(9)
    end,
    [frames.WINDOW_UPDATE] = function(frame)
        frame.increment = string.unpack(">I4", frame.payload)
    end,
}

--- Parses the frame that begins at `at`: gives it and the position behind it; nil while it is not
--- complete.
function frames.parse(octets, at)
    if #octets - at + 1 < 9 then
        return nil
    end
    local length, type, flags, id = string.unpack(">I3 I1 I1 I4", octets, at)
    if #octets - at + 1 < 9 + length then
        return nil
    end
    local frame = {
        type = type, flags = flags, id = id,
        payload = octets:sub(at + 9, at + 8 + length),
    }
    if parsers[type] then
        parsers[type](frame)
    end
    return frame, at + 9 + length
end

function frames.has(frame, flag)
    return frame.flags & flag ~= 0
end

--- The fragment of a header block in a HEADERS or PUSH_PROMISE frame.
function frames.block(frame)
    local payload = frame.payload
    local at, last = 1, #payload
    if frames.has(frame, frames.PADDED) then
        at, last = 2, last - payload:byte(1)
    end
    if frame.type == frames.PUSH_PROMISE then
        at = at + 4
    elseif frames.has(frame, frames.HAS_PRIORITY) then
        at = at + 5
    end
    return payload:sub(at, last)
end

--- "RST_STREAM(3) CANCEL", for messages.
function frames.describe(frame)
    local text = ("%s(%d)"):format(type_names[frame.type] or frame.type, frame.id)
    if frame.code then
        text = text .. " " .. (frames.error_names[frame.code] or frame.code)
    end
    if frame.debug and frame.debug ~= "" then
        text = text .. (" %q"):format(frame.debug)
    end
    if frame.fields and frame.fields[":status"] then
        text = text .. " " .. frame.fields[":status"]
    end
    return text
end

return frames
